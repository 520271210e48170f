"""The parts of an environment that its page and its incident file share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from markupsafe import Markup

from environments.lifecycle import Lifecycle
from environments.presentation.excerpts import Excerpt
from environments.presentation.text import told_records
from environments.secrets.redaction import clean, redactor
from statechart.errors import StorageError
from statechart.formats.svg import svg
from statechart.picture import Marks, compose

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.records import HistoryEntry

Facts: TypeAlias = dict[str, Any]  # Any: what a template shows

_CHART_WIDTH: Final = 1000  # pixels, in two lines: in a single one, a page shows the names too small


def cleaner(environment: AnyEnvironment) -> Callable[[object], str]:
    """Return a function that takes secrets and control codes out of a text.

    Records hold no secrets, but a value that they hold may have become a secret later.
    """
    redact = redactor(environment.spec)
    return lambda text: clean(str(text), redact)


def pictures(marks: Marks) -> Facts:
    """Return the chart for wide and for narrow screens."""
    # The history has the times, and the page the remark: so the chart has room for the order.
    visits = [replace(each, label="", time="") for each in marks.visits]
    picture = compose(Lifecycle, replace(marks, visits=visits, remark=""))
    return {
        "level": Markup(svg(picture, styled=False, prefix="l-", width=_CHART_WIDTH)),
        "upright": Markup(svg(picture, styled=False, upright=True, prefix="u-")),
    }


def records(entries: Sequence[HistoryEntry]) -> Iterator[Facts]:
    """Yield the records that tell something, oldest first."""
    for entry, words in told_records(entries):
        yield {
            "seq": entry.seq,
            "revision": entry.revision,
            "at": entry.at,
            "actor": entry.actor,
            "words": words.strip(),
            "is_step": entry.record.type == "step",
        }


def outputs(environment: AnyEnvironment, say: Callable[[object], str]) -> Mapping[str, str]:
    """Return the outputs that are set, as texts that `say` has cleaned."""
    stored = environment.outputs.model_dump(mode="json", exclude={"details"}, exclude_defaults=True)
    return {
        key.replace("_", " "): say(value)
        for key, value in {**stored, **environment.outputs.details}.items()
        if value not in (None, "")
    }


def excerpt(read: Callable[[], Excerpt]) -> Facts:
    """Return a part of a text, or the obstacle to reading it."""
    try:
        return {"of": read(), "obstacle": None}
    except StorageError as error:
        return {"of": Excerpt(), "obstacle": str(error)}
