"""The threads that a process keeps for a database: one renews its leases, one tells of its changes."""
