"""Load a chart from a document."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from statechart.chart import Chart
from statechart.loading.build import build
from statechart.loading.known import refuse_errors
from statechart.loading.scxml import read_scxml
from statechart.loading.source import read_source
from statechart.loading.specification import Description
from statechart.loading.xstate.reading import read_xstate


def load(
    document: str | Path,
    name: str | None = None,
    *,
    base: type[Chart[Any]] = Chart,
    methods: Mapping[str, object] | None = None,
    events: Iterable[str] = (),
) -> type[Chart[Any]]:
    """Return the chart of a document: SCXML, or JSON or YAML like XState's.

    A document brings no code. The guards and actions that it names are methods: of `base`, of its
    listeners, or given. `raise`, `log`, `In('state')` and timers need none. Patterns such as `*` stand for
    the events that the document knows.

    The class can be pickled by reference if it is assigned to its name in the module that calls:
    `Order = load("order.scxml")`.

    Args:
        document: The path of a file, or the text.
        name: The name of the class; by default that of the document, or of its file.
        base: A chart without states, with methods; `Chart[Order]` names the class of the models.
        methods: Further guards and hooks by their names: functions that take `self`, as methods do.
        events: Events that the document does not name, for its patterns.

    Raises:
        DocumentRefused: The document can't become a chart; the message says where, why, and what to do.
    """
    source = read_source(document)
    try:
        found = read_scxml(source) if source.language == "scxml" else read_xstate(source)
    except RecursionError:
        raise source.refused("it is nested too deeply: divide the chart") from None
    refuse_errors(found)
    caller = sys._getframe(1).f_globals.get("__name__", "__main__")
    return build(
        found, _class_name(found, name), base=base, given=methods or {}, events=events, module=caller
    )


def _class_name(found: Description, name: str | None) -> str:
    if name is not None:
        return name
    words = re.findall(r"[A-Za-z0-9]+", found.name or found.source.stem or "")
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if joined.isidentifier() else f"Chart{joined}"
