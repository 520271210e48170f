"""Provider `terraform`: hosts by OpenTofu or Terraform, configured by Ansible, served over SSH."""

from environments.providers.terraform.provider import TerraformProvider

__all__ = ["TerraformProvider"]
