"""Everything on this machine, with a living tenant: what `make run` starts."""
