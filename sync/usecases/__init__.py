"""One verb of the product a file: orchestration over the core and the ports."""
