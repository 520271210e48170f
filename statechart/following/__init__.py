"""Follow histories while they grow: wait for changes, and tell each record once."""
