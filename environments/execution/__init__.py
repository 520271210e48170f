"""Run one command, from the lock to its last record."""
