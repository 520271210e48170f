"""The provider `terraform`: hosts by OpenTofu or Terraform, configured by Ansible, reached by SSH."""

from environments.providers.terraform.provider import TerraformProvider

__all__ = ["TerraformProvider"]
