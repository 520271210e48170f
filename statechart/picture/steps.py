"""The states and transitions of a macrostep in a picture, found by the texts that records have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from statechart.configuration import states_in
from statechart.engine.hooks import Microstep

if TYPE_CHECKING:
    from statechart.picture.outline import Outline
    from statechart.picture.values import Arrow, Visit


def visited(bare: Outline, visit: Visit) -> Iterator[str]:
    """Yield the states that a visit was in, those around others too."""
    for text in (visit.source, visit.target):
        for name in states_in(text, bare.ids):
            yield name
            yield from _around(bare, name)
    for step in visit.steps:
        yield from (name for name in step.entered if name in bare.ids)


def taken_by(bare: Outline, visit: Visit) -> Iterator[int]:
    """Yield the indexes of the transitions that a visit took, each once."""
    is_nested = any(node.parent for node in bare.nodes)
    if not visit.steps and not is_nested:
        yield from bare.places.get((visit.source, visit.event, visit.target), ())
        return
    active, after = _active(bare, visit.source), _active(bare, visit.target)
    # Without steps, the states that are in one of both configurations only were left or entered.
    alone = Microstep(visit.event, tuple(active - after), tuple(after - active))
    found: dict[int, None] = {}
    for step in visit.steps or (alone,):
        found |= dict.fromkeys(_taken(bare, step, active))
        active = (active - set(step.exited)) | set(step.entered)
    yield from found


def _taken(bare: Outline, step: Microstep, active: Collection[str]) -> Iterator[int]:
    """Yield the indexes of the transitions of a microstep.

    Records name the states that were left and entered, from which the transitions follow.
    """
    names = {id: name for name, id in bare.ids.items()}
    forgotten = {memory for memory, remembered in step.recalled if not remembered}
    for index, arrow in enumerate(bare.whole):
        source = names[arrow.source]
        if arrow.trigger == "default":
            fits = source in forgotten
        elif step.event not in arrow.events and (step.event is not None or arrow.trigger != "always"):
            fits = False
        elif step.taken:
            fits = (source, tuple(names[target] for target in arrow.targets)) in step.taken
        else:
            fits = source in active and _explains(bare, arrow, step)
        if fits:
            yield index


def _explains(bare: Outline, arrow: Arrow, step: Microstep) -> bool:
    """Return whether a microstep may have taken a transition, by the states that it left and entered."""
    kinds = {node.id: node for node in bare.nodes}
    names = {id: name for name, id in bare.ids.items()}
    if arrow.reach == "stays":
        return not step.entered and not step.exited
    entered = (
        names[kinds[target].parent if kinds[target].is_history else target] in step.entered
        or (kinds[target].is_history and kinds[target].parent == arrow.source)
        for target in arrow.targets
    )
    return all(entered) and (arrow.reach == "internal" or names[arrow.source] in step.exited)


def _active(bare: Outline, text: str) -> set[str]:
    return {name for leaf in states_in(text, bare.ids) for name in (leaf, *_around(bare, leaf))}


def _around(bare: Outline, name: str) -> Iterator[str]:
    parents = {node.id: node.parent for node in bare.nodes}
    names = {id: text for text, id in bare.ids.items()}
    here = parents[bare.ids[name]]
    while here:
        yield names[here]
        here = parents[here]
