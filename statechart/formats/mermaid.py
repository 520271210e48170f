"""Mermaid: a picture in the language that Markdown pages render."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from statechart.formats import escapes
from statechart.formats.colours import COLOURS
from statechart.picture import Arrow, Node, Picture, identifiers


# Written here because python-statemachine's renderer takes two transitions that differ only in their guards
# for one, and leaves out internal transitions.
def mermaid(picture: Picture) -> str:
    """Return a picture in Mermaid. Every identifier has a prefix, so that none is a word of Mermaid's."""
    # Boxes side by side are wider than a page, which makes the text too small to read.
    head = ["stateDiagram-v2", f"    direction {'TB' if picture.boxes else 'LR'}"]
    return "".join(f"{line}\n" for line in (*head, *(f"    {line}" for line in _body(picture))))


def _body(picture: Picture) -> Iterator[str]:
    homes = {member: phase for phase, members in picture.boxes.items() for member in members}
    boxes = dict(zip(picture.boxes, identifiers(picture.boxes), strict=True))
    for node in picture.nodes:
        phase = homes.get(node.id)
        if phase is None:
            yield from _state(node)
        elif phase in boxes:
            yield f'state "{escapes.mermaid(phase)}" as phase_{boxes.pop(phase)} {{'
            yield from (f"    {line}" for line in _box(picture, picture.boxes[phase]))
            yield "}"
    outside = [node for node in picture.nodes if node.id not in homes]
    yield from _ends(outside)
    yield from (
        _transition(arrow)
        for arrow in picture.arrows
        if homes.get(arrow.source) is None or homes[arrow.source] != homes.get(arrow.target)
    )
    for note in picture.notes:
        yield f"note right of {_id(note.state)} : {note.spelled(escapes.mermaid)}"
    for kind, (fill, line) in COLOURS.items():
        members = [_id(state) for state, shown in picture.classes.items() if shown == kind]
        if members:
            width = ",stroke-width:3px" if kind in ("current", "failed") else ""
            yield f"classDef {kind} fill:{fill},stroke:{line},color:#000{width}"
            yield f"class {','.join(members)} {kind}"


def _box(picture: Picture, members: Sequence[str]) -> Iterator[str]:
    inside = [node for node in picture.nodes if node.id in members]
    for node in inside:
        yield from _state(node)
    yield from _ends(inside)
    yield from (
        _transition(arrow)
        for arrow in picture.arrows
        if arrow.source in members and arrow.target in members
    )


def _state(node: Node) -> Iterator[str]:
    yield f'state "{escapes.mermaid(node.name)}" as {_id(node.id)}'
    yield from (f"{_id(node.id)} : {escapes.mermaid(action)}" for action in node.actions)


def _ends(nodes: Sequence[Node]) -> Iterator[str]:
    yield from (f"[*] --> {_id(node.id)}" for node in nodes if node.initial)
    yield from (f"{_id(node.id)} --> [*]" for node in nodes if node.final)


def _transition(arrow: Arrow) -> str:
    guards = f" [{', '.join(map(escapes.mermaid, arrow.guards))}]" if arrow.guards else ""
    return f"{_id(arrow.source)} --> {_id(arrow.target)} : {arrow.spelled(escapes.mermaid)}{guards}"


def _id(state: str) -> str:
    return f"s_{state}"
