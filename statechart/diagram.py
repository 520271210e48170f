"""Diagram: a chart as Mermaid, DOT, SVG or a Markdown table, drawn by python-statemachine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from statechart.errors import StatechartError, UnknownState
from statechart.graph import edges, states

if TYPE_CHECKING:
    from statemachine import StateChart
    from statemachine.contrib.diagram.model import DiagramGraph, DiagramTransition

    AnyChart = type[StateChart[Any]]

Format: TypeAlias = Literal["mermaid", "dot", "svg", "md"]
FORMATS: tuple[str, ...] = get_args(Format)

_CURRENT = "#40E0D0"
_FAILED = "#FF8A80"


class DiagramUnavailable(StatechartError):
    """A format needs a program or a package that is not installed; the message says which."""


@dataclass(frozen=True, slots=True)
class _Note:
    state: str
    text: str


def render(
    chart: AnyChart, format: Format, *, current: str | None = None, failed: str | None = None
) -> str:
    """Draw a chart, with the state it is in marked; in another colour where it failed.

    The same chart gives the same text. To keep the picture readable, an event that leads to one
    state from everywhere becomes a note there, and so does a guard that all other edges share. The
    Markdown table leaves nothing out.

    Raises:
        UnknownState: The chart has no state that was to be marked.
        DiagramUnavailable: `dot` and `svg` need pydot, `svg` needs Graphviz too.
    """
    marked = {state for state in (current, failed) if state is not None}
    for state in marked:
        if state not in states(chart):
            raise UnknownState(chart.__name__, state, states(chart))
    graph = _extract(chart, marked)
    if format == "md":
        return _table(graph, current, failed)
    folded, notes = _fold(chart, graph)
    colour = _FAILED if failed is not None else _CURRENT
    if format == "mermaid":
        return _mermaid(folded, notes, colour)
    source = _dot(folded, notes, colour)
    return source if format == "dot" else _svg(source)


def _extract(chart: AnyChart, marked: set[str]) -> DiagramGraph:
    from statemachine.contrib.diagram.extract import extract

    graph = extract(chart)
    ids = _ids(chart)
    active = {ids[state] for state in marked}
    for state in graph.states:
        state.is_active = state.id in active
    return graph


def _ids(chart: AnyChart) -> dict[str, str]:
    """Return what the renderers call each state, by its value."""
    return {str(state.value): state.id for state in chart.states}


def _fold(chart: AnyChart, graph: DiagramGraph) -> tuple[DiagramGraph, list[_Note]]:
    folded = dict(_from_everywhere(chart))
    kept = [edge for edge in graph.transitions if edge.event not in folded]
    shared = set.intersection(*(set(edge.guards) for edge in kept)) if kept else set()
    ids = _ids(chart)
    notes = [
        _Note(ids[target], f"{event} leads here from every other state") for event, target in folded.items()
    ]
    if shared:
        initial = next(state.id for state in graph.states if state.is_initial)
        others = f" but {', '.join(folded)}" if folded else ""
        notes.append(_Note(initial, f"[{', '.join(sorted(shared))}] guards every event{others}"))
    return replace(graph, transitions=[_without(edge, shared) for edge in kept]), notes


def _without(edge: DiagramTransition, shared: set[str]) -> DiagramTransition:
    return replace(edge, guards=[guard for guard in edge.guards if guard not in shared])


def _from_everywhere(chart: AnyChart) -> Iterator[tuple[str, str]]:
    """Yield each event that leads to one state from all others, if those are more than three."""
    known = set(states(chart))
    for event in chart._events:
        taken = [edge for edge in edges(chart) if edge.event == event.id]
        targets = {edge.target for edge in taken}
        if len(targets) == 1 and {edge.source for edge in taken} == known - targets and len(taken) > 3:
            yield str(event.name), targets.pop()


def _mermaid(graph: DiagramGraph, notes: list[_Note], colour: str) -> str:
    from statemachine.contrib.diagram.renderers.mermaid import MermaidRenderer, MermaidRendererConfig

    text = MermaidRenderer(MermaidRendererConfig(active_fill=colour)).render(graph)
    return text + "".join(f"    note right of {note.state} : {note.text}\n" for note in notes)


def _table(graph: DiagramGraph, current: str | None, failed: str | None) -> str:
    from statemachine.contrib.diagram.renderers.table import TransitionTableRenderer

    table: str = TransitionTableRenderer().render(graph, "md")
    if current is None and failed is None:
        return table
    return f"Now in state **{failed or current}**{' (failed)' if failed else ''}.\n\n{table}"


def _dot(graph: DiagramGraph, notes: list[_Note], colour: str) -> str:
    try:
        from statemachine.contrib.diagram.renderers.dot import DotRenderer, DotRendererConfig
    except ImportError as error:
        raise DiagramUnavailable("dot and svg need pydot: pip install 'envchart[diagram]'") from error
    label = "\\n".join((graph.name, *(f"{note.state}: {note.text}" for note in notes)))
    config = DotRendererConfig(state_active_fillcolor=colour, graph_attrs={"labelloc": "b"})
    dot = DotRenderer(config).render(graph)
    dot.set("label", label)
    return _stable(dot.to_string())


def _stable(source: str) -> str:
    """Number the subgraphs that the renderer names by memory address."""
    found: dict[str, str] = {}
    return re.sub(
        r"(?<=_)\d{9,}",
        lambda match: found.setdefault(match[0], str(len(found))),
        source,
    )


def _svg(source: str) -> str:
    from statemachine.contrib.diagram.graphviz import GraphvizError, GraphvizNotFoundError, run_graphviz

    try:
        return run_graphviz(source, "svg").decode()
    except GraphvizNotFoundError as error:
        hint = "svg needs Graphviz's program dot: install the package graphviz, or use --format mermaid"
        raise DiagramUnavailable(hint) from error
    except GraphvizError as error:
        raise DiagramUnavailable(f"Graphviz could not draw the chart: {error}") from error
