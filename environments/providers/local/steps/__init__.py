"""The steps of each command."""
