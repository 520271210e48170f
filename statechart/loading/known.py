"""The events of a document: patterns expanded to the events that the document knows."""

from __future__ import annotations

from collections.abc import Iterable

from statechart.loading.specification import Arrow, Described, Description, Kind

_PLATFORM = ("error.execution", "error.communication", "error.platform")


def known_events(description: Description, further: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the events of a document: of its transitions, timers and actions, and the done events."""
    states = list(description.every())
    named = [
        name
        for state in states
        for arrow in state.arrows
        for event in arrow.events
        if (name := stem(event))
    ]
    timed = [timer.event for state in states for timer in state.timers]
    done = [f"done.state.{state.id}" for state in states if _ends(state)]
    return tuple(dict.fromkeys([*named, *timed, *sorted(description.raised), *further, *done]))


def refuse_errors(description: Description) -> None:
    """Raise DocumentRefused if a document waits for errors of the platform."""
    for state in description.every():
        for arrow in state.arrows:
            for event in map(stem, arrow.events):
                if event in _PLATFORM:
                    raise arrow.place.refused(
                        f"{event!r} never comes, as an error rolls its event back: take the transition away"
                    )


def stem(descriptor: str) -> str:
    """Return the event that a descriptor stands for: `pay` of `pay.*`, and nothing of `*`."""
    return descriptor.removesuffix("*").removesuffix(".")


def expanded(arrow: Arrow, known: Iterable[str]) -> tuple[str, ...]:
    """Return the events of a transition without patterns.

    Raises:
        DocumentRefused: A pattern stands for no event.
    """
    found: dict[str, None] = {}
    for descriptor in arrow.events:
        name = stem(descriptor)
        if "*" in name:
            raise arrow.place.refused(f"the event {descriptor!r} has a star in it: write it at the end")
        matching = [event for event in known if not name or event == name or event.startswith(f"{name}.")]
        if not matching:
            raise arrow.place.refused(
                f"{descriptor!r} stands for no event of the document: name the events here, or give them "
                "to load as events"
            )
        found.update(dict.fromkeys(matching))
    return tuple(found)


def _ends(state: Described) -> bool:
    if state.kind is Kind.PARALLEL:
        return any(_ends(child) for child in state.states)
    return any(child.kind is Kind.FINAL for child in state.states)
