"""The blocks of a module that keep Terraform's state elsewhere: which can be used, and what they need."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu.surroundings import PINNED, WITHHELD
from environments.secrets.detection import secret_under
from environments.system.files import read_own

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.tofu.declarations import Declarations, Declared

BACKEND = "state_backend"
"""The detail of the outputs with the kind of the module's own backend; missing if there is none."""

_LOCAL = "local"
_ELSEWHERE = (
    "has another service run Terraform, which is not supported: use a backend that only keeps the state, "
    "such as pg, http or s3; or remove the block, and envchart keeps the state"
)
_REFUSED = {
    "cloud": _ELSEWHERE,
    "remote": _ELSEWHERE,
    "state_store": "keeps the state by a plug-in, which is not supported: use a backend, such as pg or s3; "
    "or remove the block, and envchart keeps the state",
}
_RELATIVE = (
    "needs an absolute 'path' outside of the environment's directory; or remove the block, and envchart "
    "keeps the state"
)
# What a backend can't do without: an attribute of its block, or a variable in its place.
_NEEDED = {
    "pg": ("conn_str", ("PG_CONN_STR", "PGHOST")),
    "http": ("address", ("TF_HTTP_ADDRESS",)),
}


def unsupported(declared: Declarations) -> Iterator[str]:
    """Yield a problem for each block that can't be used."""
    for block in declared.remote():
        if why := _refusal(block):
            yield f"{block.place}: {block} {why}"


def _refusal(block: Declared) -> str:
    kind = block.name if block.kind == "backend" else block.kind
    if kind == _LOCAL and not is_elsewhere(block.attributes.get("path")):
        return _RELATIVE
    return _REFUSED.get(kind, "")


def is_elsewhere(path: str | None) -> bool:
    """Return whether the path of a backend 'local' keeps the state where every command finds it."""
    # Of an expression, the reader knows no value: init tells.
    return path is not None and (not path or PurePosixPath(path).is_absolute())


def incomplete(declared: Declarations, given: Collection[str]) -> Iterator[str]:
    """Yield a problem for each setting that a backend lacks, or that is a secret in clear text.

    Args:
        declared: The blocks of the module.
        given: The names of the variables in `backend_env`.
    """
    for name in sorted(given):
        if name in PINNED or name.startswith(WITHHELD):
            yield f"backend_env.{name}: it would change what Terraform does, and is no setting of a backend"
    for block in declared.remote():
        for name, value in block.attributes.items():
            if found := secret_under(name, value):
                yield (
                    f"directory: {block.place}: {block}: {name}: {found}, and it would be stored as it is; "
                    "leave it out, and name its variable in backend_env, with {env: VARIABLE} or "
                    "{file: PATH}"
                )
        attribute, variables = _NEEDED.get(block.name, ("", ()))
        if attribute and attribute not in block.attributes and not set(variables) & set(given):
            variable = variables[0]
            unnamed = f", since {variable} is set but is passed only if it is named"
            hint = unnamed if variable in os.environ else ""
            yield (
                f"backend_env.{variable}: {block} ({block.place}) needs it; write the place of a secret, "
                f"like {{env: {variable}}}{hint}"
            )


def in_use(layout: Layout) -> str | None:
    """Return the kind of the backend that init has set up, or None if the state lies beside the module."""
    found = _noted(layout)
    return None if found is None else str(found.get("type") or "unknown")


def uses_backend(context: StepContext) -> bool:
    """Return whether the state of an environment is in a backend, by its module or by its record."""
    layout = Layout.at(context)
    recorded = bool(context.environment.outputs.details.get(BACKEND))
    beside = layout.state.exists() and bool(read_own(layout.state).strip())
    return layout.backend.exists() or (recorded and not beside)


def _noted(layout: Layout) -> dict[str, object] | None:
    # The file is there only if the module, or a template of it, has a block `backend` or `cloud`.
    if not layout.backend.exists():
        return None
    try:
        found = json.loads(read_own(layout.backend))["backend"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def require_supported(layout: Layout) -> None:
    """Check the backend that init has set up, also where no reader of the module saw its block.

    Raises:
        StepFailed: The backend can't be used.
    """
    found = _noted(layout)
    if found is None:
        return
    kind, config = str(found.get("type") or "unknown"), found.get("config")
    path = config.get("path") if isinstance(config, dict) else None
    relative = kind == _LOCAL and not (path and is_elsewhere(str(path)))
    if why := _RELATIVE if relative else _REFUSED.get(kind, ""):
        raise StepFailed(FailureCause.CONFIGURATION, f"directory: the module's backend '{kind}' {why}")
