"""Mermaid: a picture in the language that Markdown pages render."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from statechart.formats import escapes
from statechart.formats.colours import COLOURS
from statechart.picture import Arrow, Node, Picture, identifiers


# Written here because python-statemachine's renderer takes two transitions that differ only in their guards
# for one, and leaves out internal transitions.
def mermaid(picture: Picture) -> str:
    """Return a picture in Mermaid. Every identifier has a prefix, so that none is a word of Mermaid's."""
    # Boxes side by side are wider than a page, which makes the text too small to read.
    is_boxed = picture.boxes or picture.is_nested
    head = ["stateDiagram-v2", f"    direction {'TB' if is_boxed else 'LR'}"]
    body = _nested(picture) if picture.is_nested else _body(picture)
    return "".join(
        f"{line}\n" for line in (*head, *(f"    {line}" for line in (*body, *_classes(picture))))
    )


def _body(picture: Picture) -> Iterator[str]:
    homes = {member: phase for phase, members in picture.boxes.items() for member in members}
    boxes = dict(zip(picture.boxes, identifiers(picture.boxes), strict=True))
    for node in picture.nodes:
        phase = homes.get(node.id)
        if phase is None:
            yield from _state(node, picture)
        elif phase in boxes:
            yield f'state "{escapes.mermaid(phase)}" as phase_{boxes.pop(phase)} {{'
            yield from (f"    {line}" for line in _box(picture, picture.boxes[phase]))
            yield "}"
    outside = [node for node in picture.nodes if node.id not in homes]
    yield from _ends(outside)
    yield from (
        _transition(arrow)
        for arrow in picture.arrows
        if arrow.reach != "stays"
        and (homes.get(arrow.source) is None or homes[arrow.source] != homes.get(arrow.target))
    )
    for note in picture.notes:
        yield _note(note.state, note.spelled(escapes.mermaid))


def _classes(picture: Picture) -> Iterator[str]:
    for kind, (fill, line) in COLOURS.items():
        members = [_id(state) for state, shown in picture.classes.items() if shown == kind]
        if members:
            width = ",stroke-width:3px" if kind in ("current", "failed") else ""
            yield f"classDef {kind} fill:{fill},stroke:{line},color:#000{width}"
            yield f"class {','.join(members)} {kind}"


def _box(picture: Picture, members: Sequence[str]) -> Iterator[str]:
    inside = [node for node in picture.nodes if node.id in members]
    for node in inside:
        yield from _state(node, picture)
    yield from _ends(inside)
    yield from (
        _transition(arrow)
        for arrow in picture.arrows
        if arrow.source in members and arrow.target in members and arrow.reach != "stays"
    )


def _state(node: Node, picture: Picture) -> Iterator[str]:
    yield f'state "{escapes.mermaid(_SHAPES.get(node.kind, "") + node.name)}" as {_id(node.id)}'
    yield from (f"{_id(node.id)} : {line}" for line in _lines(node, picture))


_SHAPES: Mapping[str, str] = {"shallow": "H ", "deep": "H* "}
"""The signs before the names of history states."""


def _lines(node: Node, picture: Picture) -> Iterator[str]:
    """Yield the lines within a state: its actions, and its transitions without a target."""
    yield from map(escapes.mermaid, node.actions)
    yield from (
        arrow.within(escapes.mermaid)
        for arrow in picture.arrows
        if arrow.source == node.id and arrow.reach == "stays"
    )


def _ends(nodes: Sequence[Node]) -> Iterator[str]:
    yield from (f"[*] --> {_id(node.id)}" for node in nodes if node.initial)
    yield from (f"{_id(node.id)} --> [*]" for node in nodes if node.final)


def _transition(arrow: Arrow, target: str = "") -> str:
    return f"{_id(arrow.source)} --> {target or _id(arrow.target)} : {_label(arrow)}"


def _label(arrow: Arrow) -> str:
    guards = f" [{', '.join(map(escapes.mermaid, arrow.guards))}]" if arrow.guards else ""
    return arrow.spelled(escapes.mermaid) + guards


def _note(state: str, text: str) -> str:
    return f"note right of {_id(state)} : {text}"


def _id(state: str) -> str:
    return f"s_{state}"


def _nested(picture: Picture) -> Iterator[str]:
    """Yield a chart with states within states.

    Mermaid takes a state for a part of the first place that names it, and fails on a transition to a state
    around others that stands beside regions: so all of these follow after the states.
    """
    homes = {member: phase for phase, members in picture.boxes.items() for member in members}
    top = picture.within()
    for box, (phase, members) in zip(identifiers(picture.boxes), picture.boxes.items(), strict=True):
        yield f'state "{escapes.mermaid(phase)}" as phase_{box} {{'
        inside = [node for node in top if node.id in members]
        yield from (f"    {line}" for node in inside for line in _tree(node, picture))
        yield "}"
    yield from (line for node in top if node.id not in homes for line in _tree(node, picture))
    yield from (f"[*] --> {_id(state)}" for state in picture.starts)
    yield from (f"{_id(node.id)} --> [*]" for node in top if node.final)
    forks = 0
    for arrow in picture.arrows:
        if arrow.reach == "stays" or _is_inner(arrow, picture) or _is_around(arrow, picture):
            continue
        if not arrow.others:
            yield _transition(arrow)
            continue
        forks += 1
        yield f"state fork_{forks} <<fork>>"
        yield _transition(arrow, f"fork_{forks}")
        yield from (f"fork_{forks} --> {_id(target)}" for target in arrow.targets)
    yield from _notes(picture)


def _tree(node: Node, picture: Picture) -> Iterator[str]:
    """Yield a state with those within it."""
    if not node.is_around:
        yield from _state(node, picture)
        return
    yield f'state "{escapes.mermaid(node.name)}" as {_id(node.id)} {{'
    children = picture.within(node.id)
    if node.kind == "parallel":
        memories = [child for child in children if child.is_history]
        parts = [
            *([child] for child in children if not child.is_history),
            *([memories] if memories else []),
        ]
    else:
        parts = [children]
    for number, part in enumerate(parts):
        if number:
            yield "    --"
        yield from (f"    {line}" for child in part for line in _tree(child, picture))
    if node.kind == "compound":
        opened = [child for child in children if child.id in node.opens]
        yield from (f"    [*] --> {_id(child.id)}" for child in opened)
        yield from (f"    {_id(child.id)} --> [*]" for child in children if child.final)
        yield from (
            f"    {_transition(arrow)}"
            for arrow in picture.arrows
            if _is_inner(arrow, picture) and arrow.source in {child.id for child in children}
        )
    yield "}"


def _is_inner(arrow: Arrow, picture: Picture) -> bool:
    """Return whether a transition is written within the compound state around both of its ends."""
    ends = [picture.node(arrow.source), picture.node(arrow.target)]
    parent = ends[0].parent
    return (
        bool(parent)
        and picture.node(parent).kind == "compound"
        and not arrow.others
        and arrow.reach == "external"
        and all(end.parent == parent and not end.is_around for end in ends)
    )


def _is_around(arrow: Arrow, picture: Picture) -> bool:
    """Return whether one end of a transition is around another, which Mermaid can't draw."""
    return arrow.reach == "internal" or any(
        arrow.source in picture.around(target) or target in picture.around(arrow.source)
        for target in arrow.targets
    )


def _notes(picture: Picture) -> Iterator[str]:
    for node in picture.nodes:
        if node.is_around:
            yield from (_note(node.id, line) for line in _lines(node, picture))
        apart = [state for state in node.opens if picture.node(state).parent != node.id]
        if apart:
            names = " and ".join(escapes.mermaid(picture.node(state).name) for state in node.opens)
            yield _note(node.id, f"begins in {names}")
    for arrow in picture.arrows:
        if arrow.reach != "stays" and _is_around(arrow, picture):
            names = " and ".join(escapes.mermaid(picture.node(target).name) for target in arrow.targets)
            inside = " (internal)" if arrow.reach == "internal" else ""
            yield _note(arrow.source, f"{_label(arrow)} leads to {names}{inside}")
    yield from (_note(note.state, note.spelled(escapes.mermaid)) for note in picture.notes)
