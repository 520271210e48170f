"""Run OpenTofu or Terraform and read its answers."""
