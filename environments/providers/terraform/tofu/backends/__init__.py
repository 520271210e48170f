"""Modules whose own backend keeps Terraform's state."""
