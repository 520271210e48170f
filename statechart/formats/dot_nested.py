"""DOT of states within states: a cluster around each, with the regions of a parallel state dashed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from statechart.formats.colours import COLOURS
from statechart.formats.dot_parts import edge_line, node_line, quoted
from statechart.graph import breadth_first
from statechart.picture import Arrow, Node, Picture, identifiers

_DOT = 'shape=circle, style=filled, fillcolor=black, label="", width=0.15'
_FORK = 'shape=box, style=filled, fillcolor=black, label="", width=0.05, height=0.5'
_TAG = 'shape=plaintext, style="", fontsize=10, height=0.2, fontcolor="#616161"'
_TITLE = "labelloc=t; labeljust=l; fontsize=12;"
_HISTORY = 'shape=ellipse, style="filled", fontsize=10, margin="0.01,0.01"'


def nested_body(picture: Picture) -> Iterator[str]:
    """Yield the lines of a chart with states within states.

    A node belongs to the first cluster that names it, so that transitions follow after all states.
    """
    # The older ranking takes a cluster for one node, and fails if transitions lead around between clusters.
    yield "compound=true; newrank=true;"
    homes = {member: phase for phase, members in picture.boxes.items() for member in members}
    top = picture.within()
    yield f'"[*]" [{_DOT}];'
    for node in sorted(top, key=lambda node: node.is_around):
        if node.id not in homes:
            yield from _tree(node, picture)
    for box, (phase, members) in zip(identifiers(picture.boxes), picture.boxes.items(), strict=True):
        yield f"subgraph {quoted('cluster_phase_' + box)} {{"
        yield f'    label={quoted(phase)}; style="rounded"; color="#9e9e9e"; labelloc=t; fontsize=12;'
        inside = [node for node in top if node.id in members]
        yield from (f"    {line}" for node in inside for line in _tree(node, picture))
        yield "}"
    yield from (_opening('"[*]"', state, picture) for state in picture.starts)
    for node in picture.nodes:
        yield from (_opening(quoted(f"[*] {node.id}"), state, picture) for state in node.opens)
    yield from _edges(picture)


def _tree(node: Node, picture: Picture) -> Iterator[str]:
    """Yield a state with those within it."""
    if node.is_history:
        sign = "H*" if node.kind == "deep" else "H"
        yield f"{quoted(node.id)} [{_HISTORY}, label={quoted(sign, node.name)}{_marked(node, picture)}];"
        return
    if not node.is_around:
        yield node_line(node, picture)
        return
    yield f"subgraph {quoted(f'cluster_state_{node.id}')} {{"
    stays = [arrow.within(str) for arrow in picture.arrows if arrow.source == node.id and not arrow.targets]
    yield f"    label={quoted(node.name, *stays)}; {_TITLE} {_look(node, picture)}"
    if node.opens:
        yield f"    {quoted(f'[*] {node.id}')} [{_DOT}];"
    if any(node.id in _tagged(arrow, picture) for arrow in picture.arrows):
        yield f"    {quoted(f'{node.id}.')} [{_TAG}, label={quoted(node.name)}];"
    yield from (f"    {line}" for child in picture.within(node.id) for line in _tree(child, picture))
    yield "}"


def _look(node: Node, picture: Picture) -> str:
    is_region = bool(node.parent) and picture.node(node.parent).kind == "parallel"
    style = "rounded,dashed" if is_region else "rounded"
    kind = picture.classes.get(node.id)
    if kind is None:
        return f'style="{style}"; color="#616161"; penwidth=1;'
    fill, line = COLOURS[kind]
    width = 2 if kind in ("current", "failed") else 1
    return f'style="{style},filled"; fillcolor="{fill}"; color="{line}"; penwidth={width};'


def _marked(node: Node, picture: Picture) -> str:
    kind = picture.classes.get(node.id)
    return "" if kind is None else ', fillcolor="{}", color="{}"'.format(*COLOURS[kind])


def _opening(dot: str, state: str, picture: Picture) -> str:
    around = picture.node(state).is_around
    shown = f" [lhead={quoted(f'cluster_state_{state}')}]" if around else ""
    return f"{dot} -> {quoted(_first(state, picture))}{shown};"


def _edges(picture: Picture) -> Iterator[str]:
    depths = _depths(picture)
    forks = 0
    for arrow in (arrow for arrow in picture.arrows if arrow.targets):
        tags = _tagged(arrow, picture)
        tail = f"{arrow.source}." if arrow.source in tags else _last(arrow.source, picture)
        note = "(internal)" if arrow.reach == "internal" else ""
        if arrow.others:
            forks += 1
            fork = f"fork {forks}"
            yield f"{quoted(fork)} [{_FORK}];"
            yield edge_line(
                arrow, source=tail, target=fork, clip=_clip(arrow.source, "ltail", tags, picture)
            )
            yield from (_opening(quoted(fork), target, picture) for target in arrow.targets)
            continue
        back = bool(tags) or _leads_back(arrow, picture, depths)
        is_tag = arrow.target in tags
        # The part of an edge within a box is not drawn: its label is nearest to the rest if that is short.
        inner = (_last if back else _entrance)(arrow.target, picture)
        ends = ("lhead", "ltail") if back else ("ltail", "lhead")
        clip = "".join(
            _clip(state, end, tags, picture)
            for state, end in zip((arrow.source, arrow.target), ends, strict=True)
        )
        head = f"{arrow.target}." if is_tag else inner
        # Graphviz fails on some circles of edges that have no part in the order of states.
        yield edge_line(arrow, reverse=back, source=tail, target=head, clip=clip, note=note)
        if not back and picture.node(arrow.target).kind == "parallel":
            # All regions begin after the source.
            _, *others = [child for child in picture.within(arrow.target) if not child.is_history]
            for region in others:
                yield f"{quoted(tail)} -> {quoted(_entrance(region.id, picture))} [style=invis];"


def _leads_back(arrow: Arrow, picture: Picture, depths: Mapping[str, int]) -> bool:
    """Return whether a transition leads back between boxes, so that its target comes first."""
    source, target = picture.node(arrow.source), picture.node(arrow.target)
    is_between = source.parent != target.parent or target.is_around
    return target.is_history or (is_between and depths[arrow.target] < depths[arrow.source])


def _clip(state: str, end: str, tags: frozenset[str], picture: Picture) -> str:
    """Return the attribute that ends an edge at the box of a state."""
    around = picture.node(state).is_around and state not in tags
    return f", {end}={quoted(f'cluster_state_{state}')}" if around else ""


def _tagged(arrow: Arrow, picture: Picture) -> frozenset[str]:
    """Return the ends of a transition that are around its other end, or around both as the same state.

    Graphviz can't end an edge at a box from inside of it: a node with the name of the state stands for it.
    """
    found = {target for target in arrow.targets if target in picture.around(arrow.source)}
    within = [target for target in arrow.targets if arrow.source in (target, *picture.around(target))]
    if within and picture.node(arrow.source).is_around:
        found |= {arrow.source}
    return frozenset(found)


def _first(state: str, picture: Picture) -> str:
    """Return the node that an edge into a state ends at: the first state that is entered within it."""
    node = picture.node(state)
    if not node.is_around:
        return state
    inner = node.opens or [child.id for child in picture.within(state) if not child.is_history]
    return _first(inner[0], picture)


def _entrance(state: str, picture: Picture) -> str:
    """Return the node of a state that lies where it is entered."""
    if picture.node(state).opens:
        return f"[*] {state}"
    regions = [child for child in picture.within(state) if not child.is_history]
    return _entrance(regions[0].id, picture) if regions else state


def _last(state: str, picture: Picture) -> str:
    """Return the node that an edge out of a state begins at: the last of the states within it."""
    inner = [child for child in picture.within(state) if not child.is_history]
    return _last(inner[-1].id, picture) if inner else state


def _depths(picture: Picture) -> dict[str, int]:
    """Return how many transitions lead to each state at least."""
    leaving: dict[str, list[Arrow]] = {}
    for arrow in picture.arrows:
        leaving.setdefault(arrow.source, []).append(arrow)

    def steps(here: str) -> Iterator[tuple[Arrow | None, str]]:
        node = picture.node(here)
        opened = node.opens or [child.id for child in picture.within(here) if not child.is_history]
        yield from ((None, state) for state in opened)
        for source in (here, *picture.around(here)):
            yield from ((arrow, target) for arrow in leaving.get(source, ()) for target in arrow.targets)

    depths: dict[str, int] = {}
    for start in picture.starts:
        for state, path in breadth_first(start, steps):
            depths.setdefault(state, sum(step is not None for step in path))
    return {node.id: depths.get(node.id, 0) for node in picture.nodes}
