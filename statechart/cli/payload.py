"""Payload: typed words as the payload of an event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from statechart.answers.ways import placeholder
from statechart.chart import Chart
from statechart.engine.keywords import Keyword, keywords_of, takes_all
from statechart.terminal.refusal import UsageRefused
from statechart.wording import listed, nearest


def read_payload(
    chart: type[Chart], model: type | None, event: str, words: Iterable[str], state: str | None = None
) -> dict[str, Any]:  # Any: of the annotations
    """Return the payload that typed words `KEY=VALUE` stand for.

    Raises:
        UsageRefused: A word is not of this form, a value has another type, or nothing takes the keyword.
    """
    known = {each.name: each for each in keywords_of(chart, model, event)}
    # A chart's own `evolve` sees the whole payload.
    open_ended = chart.evolve is not Chart.evolve or takes_all(chart, model, event)
    problems: list[str] = []
    payload: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name.isidentifier():
            problems.append(f"{word!r} is not of the form KEY=VALUE")
        elif name not in known and not open_ended:
            near = nearest(name, known)
            meant = f"did you mean {near!r}?" if near else f"it takes {listed(map(str, known.values()))}"
            problems.append(f"{event} takes no {name!r}: {meant}")
        else:
            try:
                payload[name] = known.get(name, Keyword(name, Any, "", False)).read(text)
            except ValueError as error:
                problems.append(f"{known[name]}: {text!r}: {error}")
    needed = keywords_of(chart, model, event, state)
    missing = [each for each in needed if each.required and each.name not in payload]
    if missing and not problems:
        problems.append(f"{event} needs {listed(map(str, missing))}")
    if problems:
        raise PayloadRefused(event, problems, [f"{each.name}={placeholder(each)}" for each in needed])
    return payload


class PayloadRefused(UsageRefused):
    """A typed payload can't be used."""

    def __init__(self, event: str, problems: Iterable[str], words: Iterable[str]) -> None:
        self.event = event
        self.words: tuple[str, ...] = tuple(words)
        super().__init__("\n  ".join(problems), code="payload")
