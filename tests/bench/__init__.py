"""How fast the product is, each figure beside the bare cost of the same work in the same run. `make bench`."""
