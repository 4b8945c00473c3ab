"""What every layer may use. Knows nothing of `sync`."""
