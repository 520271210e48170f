"""Mermaid: a picture in the language that Markdown pages render."""

from __future__ import annotations

from dataclasses import replace

from statemachine.contrib.diagram.model import DiagramGraph, DiagramState
from statemachine.contrib.diagram.renderers.mermaid import MermaidRenderer, MermaidRendererConfig

from statechart.formats.colours import COLOURS
from statechart.picture import Picture, grouped

# Keywords of Mermaid's grammar: a state of this name would not parse.
_WORDS = frozenset(
    "as class classdef click default direction end hide note scale state style".split(" ")  # noqa: SIM905
)
_MARKS = frozenset('#:;{}<>"\n')


def mermaid(picture: Picture) -> str:
    """Return a picture in Mermaid."""
    # Boxes side by side are wider than a page, which makes the text too small to read.
    direction = MermaidRendererConfig(direction="TB" if picture.boxes else "LR")
    text = MermaidRenderer(direction).render(_spelled(grouped(picture)))
    lines = [f"note right of {_word(note.state)} : {_plain(note.text)}" for note in picture.notes]
    for kind, (fill, line) in COLOURS.items():
        members = [_word(state) for state, shown in picture.classes.items() if shown == kind]
        if members:
            width = ",stroke-width:3px" if kind in ("current", "failed") else ""
            lines.append(f"classDef {kind} fill:{fill},stroke:{line},color:#000{width}")
            lines.append(f"class {','.join(members)} {kind}")
    return text + "".join(f"    {line}\n" for line in lines)


def _spelled(graph: DiagramGraph) -> DiagramGraph:
    """Return a graph with all its texts spelled for Mermaid."""
    transitions = [
        replace(
            edge,
            source=_word(edge.source),
            targets=[_word(target) for target in edge.targets],
            event=_plain(edge.event),
            guards=[_plain(guard) for guard in edge.guards],
        )
        for edge in graph.transitions
    ]
    return replace(graph, states=[_spelled_state(state) for state in graph.states], transitions=transitions)


def _spelled_state(state: DiagramState) -> DiagramState:
    children = [_spelled_state(child) for child in state.children]
    return replace(state, id=_word(state.id), name=_plain(state.name), children=children)


def _word(name: str) -> str:
    """Return an identifier that differs from Mermaid's keywords."""
    return f"{name}_" if name.lower() in _WORDS else name


def _plain(text: str) -> str:
    """Replace the characters that Mermaid gives a meaning by entities."""
    return "".join(f"#{ord(letter)};" if letter in _MARKS else letter for letter in text)
