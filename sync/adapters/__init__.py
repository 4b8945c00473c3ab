"""The only importers of the vendors' libraries: each implements ports of the core."""
