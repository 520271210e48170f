"""The provider `local`: environments on this machine, without further installations."""

from environments.providers.local.provider import LocalProvider

__all__ = ["LocalProvider"]
