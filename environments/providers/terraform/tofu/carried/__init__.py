"""Terraform's state as part of an environment's record, for commands on any machine."""
