"""A walk knows every configuration in which a machine rests, and what follows from events."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from pydantic import BaseModel

from statechart import Chart, Configuration, Event, HistoryState, InvalidTransition, State
from statechart.errors import ChartDefinitionError, Unstable
from statechart.graph import allowed_events, configurations, reachable, shortest_path
from tests.statechart.oracles.built import ChartRun
from tests.statechart.oracles.declared import Declared, Step
from tests.statechart.oracles.naive import Endless
from tests.statechart.oracles.rich_charts import rich_runs

UNHURRIED = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)


class Model(BaseModel):
    state: Configuration | None = None
    first: bool = False
    second: bool = False
    hard: bool = False


class Press(Chart[Model]):
    """A chart with regions, histories, done events, and guards that may say anything."""

    off = State(initial=True)

    class on(State.Parallel):
        class heat(State.Compound):
            low = State(initial=True)

            class high(State.Compound):
                warm = State(initial=True)
                hot = State()
                more = warm.to(hot, cond="first")

            over = State(final=True)
            up = low.to(high, cond="second")
            high.to(over, cond="first and second")
            up_again = high.to(over)

        class roll(State.Compound):
            still = State(initial=True)
            turning = State()
            worn = State(final=True)
            turn = still.to(turning) | turning.to(worn, cond="first")
            jolt = turning.to(still, unless="second")

        last = HistoryState()
        all_of_it = HistoryState(type="deep")

    broken = State(final=True)
    done = State(final=True)

    start = off.to(on)
    stop = on.to(off)
    back = off.to(on.last, cond="first")
    exactly = off.to(on.all_of_it, unless="first")
    done_state_on = on.to(done)
    knock = Event(on.to(None))
    crack = Event(on.to(broken, cond="second"), internal=True)

    def on_knock(self, model: Model) -> None:
        if model.hard:
            self.raise_("crack")


def fired(state: Configuration) -> set[str]:
    """Return where the chart comes to rest from a state, by all events and answers of its guards."""
    found = set()
    for event in allowed_events(Press, state):
        for number in range(8 if event == "knock" else 4):
            model = Model(state=state, first=bool(number & 1), second=bool(number & 2), hard=number > 3)
            try:
                found.add(Press.bound(model).send(event).after)
            except InvalidTransition:
                continue
    return {each for each in found if each is not None}  # type: ignore[return-value]


def test_a_walk_finds_exactly_what_firing_finds() -> None:
    begun = Press(Model()).model.state
    assert begun is not None
    places: dict[str, Configuration] = {begun.model_dump_json(): begun}
    waiting = [begun]
    while waiting:
        for there in fired(waiting.pop()):
            if there.model_dump_json() not in places:
                places[there.model_dump_json()] = there
                waiting.append(there)

    found = configurations(Press)
    assert set(found.texts) == {str(each) for each in places.values()}
    assert found.with_history == len(places)
    assert reachable(Press, "off") == set(found.texts)
    assert shortest_path(Press, "done", "off") is None


@settings(UNHURRIED, max_examples=25)
@given(rich_runs())
def test_no_machine_rests_where_no_walk_leads(run: tuple[Declared, list[Step]]) -> None:
    declared, steps = run
    try:
        machine = ChartRun(declared, steps[0])
    except (ChartDefinitionError, Unstable, Endless):
        return
    chart = type(machine.machine)
    if not chart._is_stepwise:
        return
    found = configurations(chart, limit=2_000)
    for step in steps[1:]:
        try:
            machine.fire(step)
        except BaseException as error:
            if isinstance(error, AssertionError):
                raise
        assert not found.is_whole or str(machine.built.model.state) in found
