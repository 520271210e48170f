"""The environment variables with which OpenTofu and Terraform run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

PINNED = {
    "TF_IN_AUTOMATION": "1",
    "TF_INPUT": "0",
    "TF_WORKSPACE": "default",
    "CHECKPOINT_DISABLE": "1",
}
"""The variables that always have the same value."""

WITHHELD = ("TF_CLI_ARGS", "TF_DATA_DIR", "TF_VAR_", "TF_REATTACH_PROVIDERS", "TF_CLOUD_")
"""The beginnings of variables that would change what the program does, and with which state."""

BACKENDS = ("PG_CONN_STR", "PG_SCHEMA_NAME", "PG_SKIP_", "TF_HTTP_")
"""The beginnings of variables that only backends read; they count where `backend_env` names them."""

PATHS = ("TF_CLI_CONFIG_FILE", "TERRAFORM_CONFIG", "TF_PLUGIN_CACHE_DIR", "TF_LOG_PATH")
"""The variables with paths of the user, who does not know the program's working directory."""


def surroundings(
    inherited: Mapping[str, str], secrets: Mapping[str, str], backend: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables for a run.

    Args:
        inherited: The variables of this process.
        secrets: The values of the module's secret variables.
        backend: The variables of the module's backend.
    """
    # Provisioners and OpenTofu's init see these; for all else the files of variables count.
    variables = {f"TF_VAR_{name}": value for name, value in secrets.items()}
    allowed = {name: value for name, value in backend.items() if not name.startswith(WITHHELD)}
    return {**dict(_passed(inherited)), **variables, **allowed, **PINNED}


def _passed(inherited: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in inherited.items():
        if not name.startswith((*WITHHELD, *BACKENDS)):
            yield name, str(Path(value).absolute()) if name in PATHS and value else value
