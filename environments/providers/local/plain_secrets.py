"""Secrets that a spec spells out instead of referring to them."""

from __future__ import annotations

from collections.abc import Iterator

from environments.providers.local.settings import LocalSettings
from environments.secrets.detection import secret_in, secret_in_argument, secret_in_query, secret_under

_REFERENCE = "{env: VARIABLE} or {file: PATH}"


def plain_secrets(spec: LocalSettings) -> Iterator[str]:
    """Yield each obvious secret of a spec: its place, the reason and a remedy, never its value."""
    # The record of an environment holds its spec, and stays readable after the secret has changed.
    for name, value in spec.env.items():
        if isinstance(value, str) and (found := secret_under(name, value)):
            instead = f"say where it is instead, {_REFERENCE} (or --env {name}=@env:VARIABLE)"
            yield f"env.{name}: {found}, and it would be stored as it is; {instead}"
    for number, word in enumerate(spec.command):
        if found := secret_in_argument(word):
            yield f"command.{number}: {found}, and everybody can see a command; {_variable()}"
    for name, text in spec.files.items():
        if found := secret_in(text):
            yield f"files.{name}: {found}, and it would be stored as it is; {_variable()}"
    if found := secret_in_query(spec.health):
        yield f"health: {found}, and it would be stored as it is; let the path answer without it"


def _variable() -> str:
    return f"let the application read it from a variable, declared in env as {_REFERENCE}"
