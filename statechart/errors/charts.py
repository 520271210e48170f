"""Errors of charts: of their declaration, their events, and what comes with these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from statechart.errors.base import StatechartError
from statechart.wording import listed, nearest

if TYPE_CHECKING:
    pass


class ChartWarning(UserWarning):
    """A chart may not do what its declaration seems to say; the message names the place.

    Filter it as any warning, once what it tells is meant.
    """


class ChartDefinitionError(StatechartError, TypeError):
    """A chart whose declaration can't be committed once per event."""


class DocumentRefused(ChartDefinitionError, ValueError):
    """A document that can't become a chart.

    Attributes:
        where: The file, or `the document` for text.
        problem: The problem, and what to do about it.
        line: The line, counted from 1, or None.
        place: The path to the key in JSON and YAML, or None.
        missing: The method that the document names, and no class that was given has, or None.
    """

    def __init__(
        self,
        where: str,
        problem: str,
        *,
        line: int | None = None,
        place: str | None = None,
        missing: str | None = None,
    ) -> None:
        self.where = where
        self.problem = problem
        self.line = line
        self.place = place
        self.missing = missing
        at = ", ".join(each for each in (where, line and f"line {line}", place) if each)
        super().__init__(f"{at}: {problem}")


class _UnknownName(StatechartError, LookupError):
    kind = "name"

    def __init__(self, chart: str, name: str, known: Iterable[str]) -> None:
        self.chart = chart
        self.name = name
        self.known: tuple[str, ...] = tuple(known)
        # Records name a state by its own name: `paid` for `open.payment.paid`.
        last = name.rpartition(".")[2]
        self.nearest: str | None = (
            last if last in self.known and last != name else nearest(name, self.known)
        )
        hint = f"did you mean {self.nearest!r}?" if self.nearest else f"known are {listed(self.known)}"
        if name in self.known:  # by its text: states have values of many types
            hint = f"its {name} is a value of another type"
        super().__init__(f"{chart} has no {self.kind} {name!r}: {hint}")


class UnknownEvent(_UnknownName):
    """The chart has no event of this name."""

    kind = "event"


class UnknownState(_UnknownName):
    """The chart has no state of this name.

    Attributes:
        recorded: The name of the value that is recorded in this state, or None.
    """

    kind = "state"

    def __init__(self, chart: str, name: str, known: Iterable[str], recorded: str | None = None) -> None:
        super().__init__(chart, name, known)
        self.recorded = recorded
        if recorded is not None:
            needs = "is recorded in a state that needs a migration (statechart.stored.migrations)"
            self.args: tuple[Any, ...] = (f"{recorded!r} {needs}: {self.args[0]}",)


class IllegalConfiguration(UnknownState):
    """A chart can't be in such a configuration, since its states contradict each other or the chart.

    Attributes:
        problem: The problem, as a clause.
    """

    def __init__(self, chart: str, configuration: str, problem: str, recorded: str | None = None) -> None:
        StatechartError.__init__(self, f"{chart} can't be in {configuration}: {problem}")
        self.chart = chart
        self.name = configuration
        self.known: tuple[str, ...] = ()
        self.nearest: str | None = None
        self.problem = problem
        self.recorded = recorded
        if recorded is not None:
            needs = "is recorded in a configuration that needs a migration (statechart.stored.migrations)"
            self.args: tuple[Any, ...] = (f"{recorded!r} {needs}: {self.args[0]}",)


class InternalEvent(UnknownEvent):
    """An event that the chart raises itself was fired from outside."""

    def __init__(self, chart: str, name: str, known: Iterable[str]) -> None:
        StatechartError.__init__(
            self, f"{chart} raises {name} itself: it can't be fired; events that can: {listed(known)}"
        )
        self.chart = chart
        self.name = name
        self.known: tuple[str, ...] = tuple(known)
        self.nearest: str | None = None


class Unstable(StatechartError, RuntimeError):
    """An event did not come to rest: its microsteps lead from one to the next without an end.

    Attributes:
        microsteps: The number after which the chart gave up; nothing was committed.
        events: The events of the last microsteps, `always` for transitions without an event.
    """

    def __init__(self, chart: str, event: str, microsteps: int, events: Iterable[str]) -> None:
        self.chart = chart
        self.event = event
        self.microsteps = microsteps
        self.events: tuple[str, ...] = tuple(events)
        super().__init__(
            f"{event} of {chart} does not come to rest after {microsteps} microsteps, the last by "
            f"{listed(dict.fromkeys(self.events))}: nothing was committed; give one of these a guard"
        )


class Unexplored(StatechartError, LookupError):
    """A chart has more configurations than were to be looked at, and no path was found among these.

    Attributes:
        chart: The chart's class name.
        target: The configuration that a path was to lead to.
        limit: The most configurations that were looked at.
    """

    def __init__(self, chart: str, target: str, limit: int) -> None:
        self.chart = chart
        self.target = target
        self.limit = limit
        super().__init__(
            f"{chart} has no path to {target!r} among its nearest {limit:,} configurations, and there are "
            "more: give a greater limit"
        )


class InvalidTransition(StatechartError):
    """The chart does not allow an event in the present state.

    Attributes:
        chart: The chart's class name.
        event: The event that was refused.
        subject: The name of the chart's subject, or None.
        state: The state, unchanged.
        allowed: The events that the state and the guards allow now.
        reasons: The reason of each transition of the event that was tried, in order; empty if the chart
            declares none from this state. If several states without states within them are active, the
            reason of each of these that refused.
        targets: The states that these transitions lead to.
        leaves: The active states that refused, beside `reasons`; empty if only one state is active.
        reason: The first of the reasons, or None.
    """

    def __init__(
        self,
        *,
        chart: str,
        event: str,
        subject: str | None,
        state: str,
        allowed: Iterable[str],
        reason: str | None = None,
        tried: Iterable[tuple[str, str]] = (),
        leaves: Iterable[str] = (),
    ) -> None:
        tried = tuple(tried)
        self.chart = chart
        self.event = event
        self.subject = subject
        self.state = state
        self.allowed: tuple[str, ...] = tuple(allowed)
        self.targets: tuple[str, ...] = tuple(target for target, _ in tried)
        self.reasons: tuple[str, ...] = tuple(why for _, why in tried) or ((reason,) if reason else ())
        reason = next(iter(self.reasons), None)
        self.reason = reason
        self.leaves: tuple[str, ...] = tuple(leaves)
        what = f"{event} {subject!r}" if subject is not None else event
        places = [f"in {leaf}" for leaf in self.leaves] or [f"to {target}" for target in self.targets]
        pairs = zip(places, self.reasons, strict=False)
        told = [f"{place}: {why}" for place, why in pairs] if len(set(self.reasons)) > 1 else []
        why = "".join(f"{each}; " for each in told or self.reasons[:1])
        verb = "is" if len(self.allowed) < 2 else "are"
        super().__init__(f"cannot {what} in state {state}: {why}allowed now {verb} {listed(self.allowed)}")


class NestedFire(StatechartError, RuntimeError):
    """An event was fired while another event was being committed."""

    def __init__(self, chart: str, event: str, *, raised_elsewhere: bool = False) -> None:
        self.chart = chart
        self.event = event
        told = (
            f"{event} was sent to {chart} past fire(), or from inside a hook: events are committed one at "
            f"a time; call fire({chart}.{event}, ...), after the previous fire() has returned, or "
            f"raise_({event!r}) in the hook"
        )
        if raised_elsewhere:
            told = (
                f"raise_({event!r}) is called by a function outside of {chart}, whose own guards and hooks "
                f"raise nothing: call self.raise_({event!r}) in the hook itself"
            )
        super().__init__(told)


class ReservedPayload(StatechartError, TypeError):
    """Payload keywords that the engine reserves for itself, and would silently drop."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names: tuple[str, ...] = tuple(names)
        super().__init__(f"reserved payload names: {listed(self.names)}; choose others")


class UnknownPayload(StatechartError, TypeError):
    """A payload keyword that nothing takes: it looks like a misspelt one, or the record leaves it out.

    Attributes:
        nearest: The keyword that was probably meant, or None.
    """

    def __init__(
        self, chart: str, event: str, name: str, meant: str | None, known: Iterable[str] = ()
    ) -> None:
        self.chart = chart
        self.event = event
        self.name = name
        self.nearest = meant
        lost = f", and record_payload leaves it out of the record: known are {listed(known)}"
        hint = f": did you mean {meant!r}?" if meant is not None else lost
        super().__init__(f"{event} of {chart} takes no payload {name!r}{hint}")


class InvalidPayload(StatechartError, TypeError, ValueError):
    """A payload keyword has a value that a guard or hook does not take, by the annotation of its parameter.

    Attributes:
        needed_by: The guard or hook, such as `guard is_enough`.
        problem: The problem, in pydantic's words.
    """

    def __init__(
        self, chart: str, event: str, name: str, given: object, needed_by: str, problem: str
    ) -> None:
        self.chart = chart
        self.event = event
        self.name = name
        self.needed_by = needed_by
        self.problem = problem
        # Not the value: a secret may have been given as a string.
        kind = type(given).__name__
        super().__init__(
            f"{event} of {chart} can't take a payload {name!r} of the type {kind}: {problem}, "
            f"as its {needed_by} declares"
        )


class MissingPayload(StatechartError, TypeError):
    """A guard or hook of an event needs payload keywords that were not given.

    Attributes:
        needed_by: The guard or hook, such as `guard is_enough`.
        names: The missing keywords.
        within: The part of the event that needs them, such as `the raised event tick`; None if it is the
            event itself.
    """

    def __init__(
        self,
        chart: str,
        event: str,
        needed_by: str,
        names: Iterable[str],
        given: Iterable[str] = (),
        *,
        within: str | None = None,
    ) -> None:
        self.chart = chart
        self.event = event
        self.needed_by = needed_by
        self.names: tuple[str, ...] = tuple(names)
        self.within = within
        call = ", ".join(f"{name}=..." for name in self.names)
        if within is not None:
            super().__init__(
                f"{within}, which follows from {event} of {chart}, does not have its payload: "
                f"{needed_by} takes {listed(self.names)}, so give a default value"
            )
            return
        meant = next((near for name in self.names if (near := nearest(name, given))), None)
        instead = f" instead of {meant}" if meant is not None else ""
        super().__init__(
            f"{event} of {chart} lacks the payload {listed(self.names)}, which its {needed_by} takes: "
            f"fire it with {call}{instead}"
        )


class NotCopyable(StatechartError, TypeError):
    """A machine that commits, or that is firing an event, can't be copied or pickled."""

    def __init__(self, chart: str, event: str | None = None) -> None:
        self.chart = chart
        self.event = event
        commits = (
            f"a machine of {chart} that commits can't be copied or pickled, as both would commit to one "
            f"record: copy its model, and build another machine: {chart}(model)"
        )
        fires = (
            f"a machine of {chart} can't be copied or pickled while it fires {event}, as its model is a "
            "draft: copy the machine after fire() has returned"
        )
        super().__init__(commits if event is None else fires)


class NoSuchPath(StatechartError, LookupError):
    """An event can't follow the events before it.

    Attributes:
        allowed: The events that can.
    """

    def __init__(self, chart: str, event: str, state: str, allowed: Iterable[str]) -> None:
        self.chart = chart
        self.event = event
        self.state = state
        self.allowed: tuple[str, ...] = tuple(allowed)
        what = f"in {chart}, {event} does not leave {state}"
        super().__init__(f"{what}; events that do: {listed(self.allowed)}")
