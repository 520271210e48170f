"""The environment variables of a service."""

from __future__ import annotations

from collections.abc import Mapping

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.secrets.references import SecretRef

ENVIRONMENT = "ENVCHART_ENVIRONMENT"
TOKEN = "ENVCHART_INSTANCE_TOKEN"
# A service that is killed should have written its last lines, and a release must not change.
PYTHON_SETTINGS = {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def values_of(env: Mapping[str, str | SecretRef]) -> dict[str, str]:
    """Return the variables of a spec with the values of their secrets.

    Raises:
        StepFailed: A secret can't be read, or can't be the value of a variable.
    """
    return {name: value if isinstance(value, str) else _read(name, value) for name, value in env.items()}


def _read(name: str, secret: SecretRef) -> str:
    value = secret.resolve()
    if "\0" in value:
        raise StepFailed(FailureCause.CONFIGURATION, f"env: the secret for {name} contains a NUL character")
    return value
