"""The provider `local`: environments on this machine, with nothing to install."""

from environments.providers.local.provider import LocalProvider

__all__ = ["LocalProvider"]
