"""A Hypothesis state machine of any chart, whose failures shrink to few events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from unittest import TestCase

from hypothesis import Phase, settings as Settings, strategies as st  # noqa: N812  # it is a class
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from hypothesis.strategies import SearchStrategy

from statechart.engine.keywords import keywords_of
from statechart.errors import InvalidTransition, InvalidValue
from statechart.graph import breadth_first, events
from statechart.testing.driver import Driver, is_fault, require
from statechart.testing.exploring import MakeModel, Payload, Payloads, choices, showing_payloads
from statechart.testing.nested.declared import Declared, declared

if TYPE_CHECKING:
    from datetime import timedelta

    from statechart.chart import Chart
    from statechart.engine.hooks import Transition

_TRIED = 1_000


class _TestCase:
    """The `TestCase` of a machine: adds the shortest failing events to Hypothesis's example."""

    def __get__(self, _machine: object, kind: type[ChartMachine]) -> type[TestCase]:
        theirs: type[TestCase] = RuleBasedStateMachine.__dict__["TestCase"].__get__(None, kind)

        phases = [phase for phase in theirs.settings.phases if phase is not Phase.explain]  # type: ignore[attr-defined]

        class Told(theirs):  # type: ignore[misc, valid-type]  # it is made at run time
            # An explanation repeats a failing run many times, and lists lines of the chart's engine.
            settings = Settings(theirs.settings, phases=phases)  # type: ignore[attr-defined]

            def runTest(self) -> None:  # noqa: N802  # unittest's name
                try:
                    super().runTest()  # pyright: ignore[reportAttributeAccessIssue]  # of a class made at run time
                except Exception as error:
                    found = shortest(kind, type(error))
                    if found is not None:
                        error.add_note(f"The shortest events that fail like this: {', '.join(found)}")
                    raise

        Told.__name__ = Told.__qualname__ = theirs.__qualname__
        return Told


class ChartMachine(RuleBasedStateMachine):
    """The base of the classes that `state_machine` makes; inherit to check a system beside the chart.

    Attributes:
        driver: Drives the chart.
    """

    chart: type[Chart]
    make_model: MakeModel | None = None
    fired_last: list[tuple[str, dict[str, Any]]] = []  # noqa: RUF012  # of the class: the last example's
    TestCase: Any = _TestCase()

    def __init__(self) -> None:
        super().__init__()
        self.driver: Driver = self.begin()
        self._declaration: Declared = declared(self.chart)
        type(self).fired_last = []
        # Every rule asks for the allowed events, so they are computed once for each state.
        self._known: tuple[str, ...] | None = None

    def begin(self) -> Driver:
        """Return a driver in the initial state; override to give the chart a commit, for example."""
        return Driver(self.chart, model=self.make_model() if self.make_model else None)

    def fired(self, transition: Transition) -> None:
        """Check the system after an event; raise if the check fails. By default, there is no check."""

    def refused(self, event: str) -> None:
        """Check the system after a refusal; raise if the check fails. By default, there is no check."""

    def fire(self, event: str, **payload: Any) -> None:
        """Fire an event, and compare the result with the chart's declaration."""
        __tracebackhide__ = True
        self.fired_last.append((event, payload))
        driver, found = self.driver, self._declaration
        before, state = driver.state, driver.model.state
        self._known = None
        try:
            with showing_payloads():
                driver.fire(event, **payload)
        except (InvalidTransition, InvalidValue) as refusal:
            if is_fault(refusal):
                raise
            # The model may refuse what hooks leave, as a guard may refuse an event.
            told = f"{event} was refused in {before}, though it is declared there without a guard"
            require(isinstance(refusal, InvalidValue) or not found.is_sure(driver, event), told)
            led = f"the refusal of {event} led to {driver.state}"
            require(driver.state == before and driver.model.state == state, led)
            self.refused(event)
            return
        found.check(driver.transitions[-1])
        self.fired(driver.transitions[-1])

    def elapse(self, time: timedelta | str) -> None:
        """Let time pass, also until the deadline of a timer, and check the timers that fire."""
        __tracebackhide__ = True
        if isinstance(time, str):
            self.fired_last.append((time, {}))
        count = len(self.driver.transitions)
        self._known = None
        self.driver.elapse(time)
        for transition in self.driver.transitions[count:]:
            self._declaration.check(transition)
            self.fired(transition)

    def __getattr__(self, name: str) -> Any:
        # A rule has a key that no attribute can have; an example that is played again names its event.
        try:
            return object.__getattribute__(self, _key(name))
        except AttributeError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None

    @property
    def allowed(self) -> tuple[str, ...]:
        """The events that are allowed now."""
        if self._known is None:
            self._known = self.driver.allowed
        return self._known

    def _is_declared(self, event: str) -> bool:
        """Return whether a transition of an event leads from the current state, guards not asked."""
        return self._declaration.is_declared(self.driver, event)


def shortest(machine: type[ChartMachine], kind: type[Exception]) -> list[str] | None:
    """Return the fewest events after which a machine fails as its last example did.

    Tries all shorter sequences, up to 1,000, with the payloads of the example.
    """
    # Hypothesis deletes events that a failure does not need, but does not look for another way there.
    example = machine.fired_last
    payloads = dict(example)
    none: tuple[str, ...] = ()
    try:
        trial = machine()
    except kind:  # it fails before any event
        return None

    def longer(tried: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        return ((step, (*tried, step)) for step in (*trial.driver.allowed, *trial.driver.timers))

    for tried, _ in islice(breadth_first(none, longer), _TRIED):
        if len(tried) >= len(example):
            break
        trial = machine()
        try:
            for event in tried:
                if event in trial.chart._alarms:
                    trial.elapse(event)
                else:
                    trial.fire(event, **payloads.get(event, {}))
        except kind:
            return list(tried)
    return [event for event, _ in example] or None


def state_machine(
    chart: type[Chart], *, model: MakeModel | None = None, payloads: Payloads | None = None
) -> type[ChartMachine]:
    """Return a Hypothesis state machine with a rule for each event of a chart.

    A rule fires its event where the chart and its guards allow the event; the rule `refuse` fires the
    others, and `pass_time` lets timers fire. After each step, what happened is compared with what the
    chart declares, and the configuration, its history and its timers have to be possible. pytest runs its
    `TestCase`:

        TestOrders = state_machine(OrderChart, payloads={"pay": {"amount": st.integers(0, 100)}}).TestCase

    Args:
        model: Makes the model that guards and hooks see; by default the chart's own.
        payloads: The payload of each event, or several payloads: keywords with values, or with strategies.

    Raises:
        UnknownEvent: `payloads` names an event that the chart does not have.
        TypeError: The payload of an event is no mapping.
    """
    rules: dict[str, object] = {
        _key(_rule_name(event)): _firing(chart, event, known)
        for event, known in choices(chart, payloads, model).items()
    }
    rules[_key("refuse")] = _refusing(chart)
    if chart._alarms:
        rules[_key("pass_time")] = _passing_time()
    made = {"chart": chart, "make_model": None if model is None else staticmethod(model)}
    return type(f"{chart.__name__}Machine", (ChartMachine,), {**made, **rules})


def _firing(chart: type[Chart], event: str, payloads: Sequence[Payload]) -> Callable[..., None]:
    known = [{name: _strategy(value) for name, value in payload.items()} for payload in payloads]
    # The guards may need the payload, which is drawn later; one that is not given has to be missed.
    unsure = any(known) or any(each.required for each in keywords_of(chart, chart.model_class(), event))
    # Keywords are shown as they are; not those with the names of rule's own arguments.
    plain = len(known) == 1 and not {"target", "targets"} & known[0].keys()

    def fire(self: ChartMachine, **drawn: Any) -> None:
        __tracebackhide__ = True
        self.fire(event, **(drawn if plain else drawn["payload"]))

    def possible(self: ChartMachine) -> bool:
        return self._is_declared(event) if unsure else event in self.allowed

    fire.__name__ = fire.__qualname__ = _rule_name(event)
    # Any: rule's overloads can't tell these from its own
    either = {"payload": st.one_of([st.fixed_dictionaries(payload) for payload in known])}
    keywords: dict[str, Any] = known[0] if plain else either
    made = precondition(possible)(rule(**keywords)(fire))  # type: ignore[no-untyped-call]  # of overloads
    return cast("Callable[..., None]", made)


def _strategy(value: Any) -> SearchStrategy[Any]:  # Any: whatever the chart's hooks take
    return value if isinstance(value, SearchStrategy) else st.just(value)


def _key(name: str) -> str:
    """Return the key of a rule in its class, which is no attribute of anything: it has a space."""
    return f"rule {name}"


def _rule_name(event: str) -> str:
    """Return the name that an event has in an example, different from the methods of the machine."""
    own = (
        hasattr(ChartMachine, event)
        or event in ChartMachine.__annotations__
        or event in ("refuse", "pass_time")
    )
    return f"{event}_" if own else event


def _refusing(chart: type[Chart]) -> Callable[..., None]:
    def refused(self: ChartMachine) -> list[str]:
        return [event for event in events(chart) if not self._is_declared(event)]

    def refuse(self: ChartMachine, data: st.DataObject) -> None:
        self.fire(data.draw(st.sampled_from(refused(self)), label="event"))

    def possible(self: ChartMachine) -> bool:
        return bool(refused(self))

    return precondition(possible)(rule(target=None, data=st.data())(refuse))


def _passing_time() -> Callable[..., None]:
    def pass_time(self: ChartMachine, data: st.DataObject) -> None:
        timer = data.draw(st.sampled_from(list(self.driver.timers)), label="timer")
        if data.draw(st.booleans(), label="until its deadline"):
            self.elapse(timer)
        else:
            self.elapse((self.driver.timers[timer] - self.driver.now) / 2)

    def possible(self: ChartMachine) -> bool:
        return bool(self.driver.timers)

    return precondition(possible)(rule(target=None, data=st.data())(pass_time))
