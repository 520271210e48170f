"""A macrostep: an event with all that follows from it, until nothing is left to take.

Source: State Chart XML (SCXML), W3C Recommendation of 1 September 2015, appendix D. What differs: the whole
macrostep is rolled back if anything raises, `after_` hooks run at its end, and entry hooks see the
configuration whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loguru import logger

from statechart.engine.effects import named
from statechart.engine.hooks import Followed, Transition
from statechart.engine.nested.form import Standing
from statechart.engine.nested.program import ALWAYS, NestedProgram
from statechart.errors import Unstable

if TYPE_CHECKING:
    from statemachine import State

    from statechart.engine.calls import Owners
    from statechart.engine.hooks import Firing, Microstep
    from statechart.engine.nested.program import Course
    from statechart.engine.program import Known, Step
    from statechart.engine.table import Node, Plan

Assign: TypeAlias = "Callable[[Standing], None]"
"""Shows hooks where the machine is."""

LIMIT: Final = 1_000
"""The microsteps after which a macrostep is taken for an endless one."""


class Macrostep:
    """An event on its way through a chart with states within states.

    Args:
        program: The program.
        standing: Where the machine is before.
        event: The name of the event.
        at: The moment by which timers begin.
        subject: The name in messages.

    Attributes:
        standing: Where the machine is now.
        steps: The microsteps so far.
        guards: The answers of the guards that were asked for the event itself.
        later: The answers of the guards that were asked for what followed.
        is_committed: Whether what is left are `after_` hooks.
        microstep: The microstep under way, for people; None if it is that of the event itself.
    """

    def __init__(
        self, program: NestedProgram, standing: Standing, event: str, *, at: datetime, subject: str
    ) -> None:
        self.standing: Standing = standing
        self.before: Standing = standing
        self.event = event
        self.at: datetime = at
        self.steps: list[Microstep] = []
        self.guards: dict[str, bool] = {}
        self.later: set[tuple[str, bool]] = set()
        self.is_committed: bool = False
        self.microstep: str | None = None
        self._program = program
        self._subject = subject
        self._queue: deque[tuple[str, Mapping[str, Any]]] = deque()
        self._entered: list[Node] = []
        self._after: list[tuple[Step, Known]] = []
        self._prepared: dict[tuple[int, int, int], Known] = {}
        self._assign: Assign | None = None

    def without_timer(self, timer: str) -> None:
        """End a timer, since its event is fired."""
        timers = {name: at for name, at in self.standing.timers.items() if name != timer}
        self.standing = Standing(self.standing.active, self.standing.history, timers)

    def raise_(self, event: str, payload: Mapping[str, Any]) -> None:
        """Queue an event, to be taken after the microsteps that are under way."""
        self._queue.append((event, payload))

    def begin(self, owners: Owners, assign: Assign) -> None:
        """Enter the initial configuration, and come to rest."""
        program = self._program
        self._take([program.initial], program.beginning, owners, {}, assign)
        self.settle(owners, assign)

    def take(self, owners: Owners, payload: Mapping[str, Any], assign: Assign) -> bool:
        """Take the transitions of the event, and all that follows; return False if there are none."""
        if self._program.has_eventless:
            self.settle(owners, assign)  # a value may have been created where it does not rest
        self.microstep = None
        chosen = self._select(owners, self.event, payload, self.guards)
        if not chosen:
            return False
        plan = self._program.plan(chosen, self.standing)
        self._take(chosen, plan, owners, payload, assign)
        self.settle(owners, assign)
        return True

    def settle(self, owners: Owners, assign: Assign) -> None:
        """Take transitions without an event, and events that the chart raised, until there are none.

        Raises:
            Unstable: There is no end of them.
        """
        program = self._program
        while True:
            event: str | None = None
            payload: Mapping[str, Any] = {}
            chosen: list[Step] = []
            if program.has_eventless:
                self.microstep = "a transition without an event"
                chosen = self._follow(owners, None, {})
            while not chosen:
                if not self._queue:
                    return
                event, payload = self._queue.popleft()
                self.microstep = f"the raised event {event}"
                chosen = self._follow(owners, event, payload)
                if not chosen and not event.startswith("done."):
                    logger.debug("{} was raised, and nothing took it", event)
            if len(self.steps) >= LIMIT:
                chart = type(owners[0]).__name__
                last = [step.event or ALWAYS for step in self.steps[-8:]]
                raise Unstable(chart, self.event, LIMIT, last)
            self._take(chosen, program.plan(chosen, self.standing), owners, payload, assign)

    def _follow(self, owners: Owners, event: str | None, payload: Mapping[str, Any]) -> list[Step]:
        """Return the transitions to take after the event's own."""
        asked: dict[str, bool] = {}
        chosen = self._select(owners, event, payload, asked)
        if asked:
            self.later.update(asked.items())
        return chosen

    def _select(
        self, owners: Owners, event: str | None, payload: Mapping[str, Any], asked: dict[str, bool]
    ) -> list[Step]:
        """Return the transitions to take: for each active leaf the first whose guards agree."""
        chosen: list[Step] = []
        answers: dict[int, bool] = {}
        self._prepared = {}
        for chain in self._program.chains(self.standing.active, event):
            for step in chain:
                agrees = answers.get(id(step))
                if agrees is None:
                    agrees = answers[id(step)] = self._agrees(step, owners, payload, asked)
                if agrees:
                    if step not in chosen:
                        chosen.append(step)
                    break
        return self._program.settled(chosen, self.standing)

    def _agrees(
        self, step: Step, owners: Owners, payload: Mapping[str, Any], asked: dict[str, bool]
    ) -> bool:
        if not step.guards and not step.validators and not step.prepare:
            return True
        known = self._known(step, owners, payload)
        for validate in step.validators:
            validate(owners, known)
        for guard in step.guards:
            agrees = asked[str(guard.spec)] = guard.agrees(owners, known)
            if not agrees:
                return False
        return True

    def _take(
        self,
        chosen: list[Step],
        plan: Plan,
        owners: Owners,
        payload: Mapping[str, Any],
        assign: Assign,
    ) -> None:
        """Take a microstep: hooks before, exits, hooks of the transitions, entries."""
        known = [self._known(step, owners, payload) if _calls(step) else {} for step in chosen]
        for step, keywords in zip(chosen, known, strict=True):
            for call in step.before:
                call(owners, keywords)
        course = self._program.course(chosen, plan)
        self._leave(course, owners, payload)
        for step, keywords in zip(chosen, known, strict=True):
            self._on(step, keywords, owners, plan)
        self._enter(course, owners, payload, assign)
        for step in chosen:
            if step.after or step.prepare:
                keywords = self._known(step, owners, payload, entered=step.aim)
                self._after.append((step, dict(keywords)))
        self.steps.append(course.note)

    def _known(
        self,
        step: Step,
        owners: Owners,
        payload: Mapping[str, Any],
        *,
        left: State | None = None,
        entered: State | None = None,
    ) -> Known:
        """Return the keywords for a step and a state, prepared once for each microstep."""
        self._show()
        key = (id(step), id(left), id(entered))
        found = self._prepared.get(key)
        if found is None:
            state = left or entered or step.transition.source
            found = step.known(owners, payload, state, left=left, entered=entered)
            self._prepared[key] = found
        return found

    def _show(self) -> None:
        """Show hooks the configuration, which nothing has to be called for until then."""
        if self._assign is not None:
            self._assign(self.standing)
            self._assign = None

    def _leave(self, course: Course, owners: Owners, payload: Mapping[str, Any]) -> None:
        for step, state, calls in course.left:
            keywords = self._known(step, owners, payload, left=state)
            for call in calls:
                call(owners, keywords)
        if course.ended and not course.ended.isdisjoint(self.standing.timers):
            timers = {name: at for name, at in self.standing.timers.items() if name not in course.ended}
            self.standing = Standing(self.standing.active, self.standing.history, timers)

    def _on(self, step: Step, keywords: Known, owners: Owners, plan: Plan) -> None:
        if not step.on:
            return
        if "configurations" in step.extras:
            machine = owners[0]
            keywords = {
                **keywords,
                "previous_configuration": machine.configuration,
                "new_configuration": machine._states_of(plan.configuration),
            }
        for call in step.on:
            call(owners, keywords)

    def _enter(self, course: Course, owners: Owners, payload: Mapping[str, Any], assign: Assign) -> None:
        plan = course.plan
        history = {**self.standing.history, **plan.remembered} if plan.remembered else self.standing.history
        self.standing = Standing(plan.configuration, history, self.standing.timers)
        self._assign = assign
        timers: dict[str, datetime] = {}
        for step, state, calls, content, alarms, done in course.entered:
            data: dict[str, Any] = {}
            if calls or content or step.prepare:
                keywords = self._known(step, owners, payload, entered=state)
                for call in calls:
                    result = call(owners, keywords)
                    if done and isinstance(result, dict):
                        data.update(result)
                for call in content:
                    call(owners, keywords)
            if alarms:
                self._show()
            for alarm in alarms:  # after the hooks, which may say how long
                timers[alarm.name] = alarm.deadline(self.at, owners[1], self._subject)
            for event in done:
                self._queue.append((event, data))
        if timers:
            self.standing = Standing(plan.configuration, history, {**self.standing.timers, **timers})
        if self._program.has_effects:
            self._entered += [node for node, _ in plan.entries]

    def transition(self, firing: Firing, before: Any, timer: str | None, *, lapsed: bool) -> Transition:
        """Return the transition of the macrostep from a state, to be committed."""
        form = self._program.form
        after = form.state(self.standing)
        holds = not form.is_plain
        due = (
            self._program.due((step.event for step in self.steps), self._entered)
            if self._program.has_effects
            else ()
        )
        return Transition(
            chart=firing.chart,
            event=firing.event,
            from_state=firing.from_state,
            to_state=form.text(self.standing.active),
            subject=firing.subject,
            payload=firing.payload,
            to_value=after,
            effects=named(due, firing.payload, chart=firing.chart, event=firing.event) if due else (),
            followed=Followed(
                before if holds else None,
                after if holds else None,
                tuple(self.steps),
                timer,
                None if timer is None else self.before.timers[timer],
                lapsed,
                self.at,
            ),
        )

    def finish(self, owners: Owners) -> None:
        """Call the hooks that follow the commit."""
        for step, keywords in self._after:
            step.finish(owners, keywords)

    @property
    def has_after(self) -> bool:
        """Whether hooks follow the commit."""
        return bool(self._after)


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


def _calls(step: Step) -> bool:
    return bool(step.before or step.on or step.prepare)
