"""Completion: scripts for shells, and the values that an environment or an option can have."""
