"""Values that the shell completes: names, states, labels and fields, read without pydantic."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

from environments.presentation import guidance

if TYPE_CHECKING:
    import click

    from environments.cli.settings import Settings

Complete: TypeAlias = Callable[["click.Context", "click.Parameter", str], list[str]]

_EASY = re.compile(r"[\w./@+-]+")  # words that no shell gives a meaning to


def one_of(words: Iterable[str]) -> Complete:
    """Return the completion of a parameter that takes one of these words, or several with commas."""
    known = tuple(words)

    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        del ctx, param
        before, comma, last = incomplete.rpartition(",")
        typed = before.split(",")
        return [f"{before}{comma}{word}" for word in known if word.startswith(last) and word not in typed]

    return complete


complete_state: Complete = one_of(guidance.states())
"""Complete a state."""


def complete_name(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the name of an environment for which the subcommand is of use, once."""
    command, typed = ctx.info_name or "", ctx.params.get(param.name or "")
    names = [
        name for name in _names(ctx.obj, incomplete) if not (isinstance(typed, tuple) and name in typed)
    ]
    if guidance.is_always_of_use(command):
        return names
    return [name for name, stored in _stored(ctx.obj, names) if _is_of_use(command, stored)]


def complete_label(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete a label that an environment has, as `team=web`."""
    del param
    pairs = {f"{key}={value}" for key, value in _labels(ctx.obj)}
    return sorted(pair for pair in pairs if pair.startswith(incomplete))


def complete_label_key(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete the key of a label that an environment has."""
    del param
    return sorted({key for key, _ in _labels(ctx.obj) if key.startswith(incomplete)})


def complete_field(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Complete a field of the recorded declaration; for an assignment, with its present value."""
    found: list[str] = []
    for _, stored in _stored(ctx.obj, _typed_names(ctx)[:1]):
        for field, value in _fields(stored.get("spec")):
            shown = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
            found.append(
                f"{field}={shown * bool(_EASY.fullmatch(shown))}" if param.name == "assign" else field
            )
    return [field for field in found if field.startswith(incomplete)]


def _typed_names(ctx: click.Context) -> tuple[str, ...]:
    """Return the names that were typed already."""
    typed = ctx.params.get("names") or ctx.params.get("name") or ()
    # After an option without its value, click leaves the arguments where they are.
    return (*((typed,) if isinstance(typed, str) else typed), *ctx.args)


def _names(settings: Settings, incomplete: str) -> list[str]:
    return [name for name in settings.names() if name.startswith(incomplete)]


def _stored(settings: Settings, names: Iterable[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the names with their documents as JSON, which are empty where they can't be read."""
    # Not by the storage: each start of the command line loads this module, and few complete a name.
    if (url := settings.store) is not None:
        wanted = list(names)
        rows = import_module("environments.cli.completion.database").documents(url, wanted)
        yield from ((name, json.loads(rows[name]) if name in rows else {}) for name in wanted)
        return
    for name in names:
        try:
            with open(settings.data_dir / name / "state.json", "rb", opener=_opened) as file:
                found = json.load(file)
        except (OSError, ValueError):
            found = None
        yield name, found if isinstance(found, dict) else {}


def _opened(path: str, flags: int) -> int:
    # A named pipe would block.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _is_of_use(command: str, stored: Mapping[str, Any]) -> bool:
    """Return whether a subcommand is of use for an environment; yes if its document can't be read."""
    state, operation = stored.get("state"), stored.get("operation")
    if not isinstance(state, dict) or state.get("name") not in guidance.EVENTS:
        return True
    if not isinstance(operation, dict):
        return guidance.is_of_use(command, state["name"])
    torn_down = operation.get("command") == "destroy" and bool(operation.get("effects_begun"))
    return guidance.is_of_use(
        command, state["name"], status=str(operation.get("status")), teardown_begun=torn_down
    )


def _labels(settings: Settings) -> Iterator[tuple[str, str]]:
    for _, stored in _stored(settings, _names(settings, "")):
        for field, value in _fields(stored.get("spec")):
            if field.startswith("labels."):
                yield field.removeprefix("labels."), str(value)


def _fields(value: Any, above: str = "") -> Iterator[tuple[str, Any]]:  # Any: JSON
    """Yield the dotted names of the fields of a spec, with their values."""
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        field = f"{above}{key}"
        if isinstance(inner, dict) and inner.keys() != {"env", "file"}:
            yield from _fields(inner, f"{field}.")
        elif field not in ("name", "provider.kind"):
            yield field, inner
