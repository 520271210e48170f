"""Run structural documents on engines that read no SCXML: xstate-statemachine and sismic.

What their formats can't say is said as near as they can; neither claims to follow SCXML.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sismic.interpreter import Interpreter
from sismic.model import (
    BasicState,
    CompoundState,
    DeepHistoryState,
    FinalState,
    OrthogonalState,
    ShallowHistoryState,
    Statechart,
    Transition,
)
from xstate_statemachine import SyncInterpreter, create_machine

from statechart.loading.scxml import read_scxml
from statechart.loading.source import read_source
from statechart.loading.specification import Described, Description, Kind


class NotConvertible(Exception):
    """The other format has no word for a part of a document."""


class XState:
    """A document on xstate-statemachine.

    Args:
        path: The document.
        events: Not needed.
    """

    def __init__(self, path: Path, events: Iterable[str] = ()) -> None:
        del events
        found = read_scxml(read_source(path))
        config: dict[str, Any] = {
            "id": "machine",
            "states": {each.id: _xstate(each) for each in found.states},
        }
        first, *others = found.initial or (found.states[0].id,)
        if others or first not in config["states"]:
            raise NotConvertible("an initial state deep within, or several")
        config["initial"] = first
        self._interpreter: Any = SyncInterpreter(create_machine(config)).start()

    @property
    def leaves(self) -> frozenset[str]:
        """The active states without states within them."""
        nodes = self._interpreter._active_state_nodes
        return frozenset(node.key for node in nodes if not node.states)

    def fire(self, event: str) -> None:
        """Fire an event."""
        self._interpreter.send(event)

    def wait(self, seconds: float) -> None:
        """Do nothing: structural documents do not wait."""

    def finish(self) -> None:
        """Do nothing."""


def _xstate(state: Described) -> dict[str, Any]:
    config: dict[str, Any] = {"id": state.id}
    if state.remembers:
        config |= {"type": "history", "history": state.kind.value}
        for arrow in state.arrows:
            config["target"] = _aimed(arrow.targets)
        return config
    if state.kind is Kind.FINAL:
        return config | {"type": "final"}
    if state.states:
        config["states"] = {child.id: _xstate(child) for child in state.children}
        if state.kind is Kind.PARALLEL:
            config["type"] = "parallel"
        else:
            first = state.initial or (state.states[0].id,)
            config["initial"] = (
                first[0] if first[0] in config["states"] and len(first) == 1 else _aimed(first)
            )
    for arrow in state.arrows:
        body: dict[str, Any] = {"reenter": not arrow.internal}
        if arrow.targets:
            body["target"] = _aimed(arrow.targets)
        if not arrow.events:
            config.setdefault("always", []).append(body)
        for event in arrow.events:
            if event == f"done.state.{state.id}":
                config.setdefault("onDone", []).append(body)
            else:
                config.setdefault("on", {}).setdefault(event, []).append(body)
    return config


def _aimed(targets: tuple[str, ...]) -> Any:
    aimed = [f"#{target}" for target in targets]
    return aimed[0] if len(aimed) == 1 else aimed


class Sismic:
    """A document on sismic.

    Args:
        path: The document.
        events: Not needed.
    """

    def __init__(self, path: Path, events: Iterable[str] = ()) -> None:
        del events
        found = read_scxml(read_source(path))
        chart = Statechart("document")
        first, *others = found.initial or (found.states[0].id,)
        if others:
            raise NotConvertible("several initial states")
        if len(found.states) == 1 and not others and found.states[0].id == first:
            _add_states(chart, found.states, None)
        else:
            chart.add_state(CompoundState("(machine)", initial=first), None)
            _add_states(chart, found.states, "(machine)")
        _add_transitions(chart, found)
        self._interpreter = Interpreter(chart)
        self._interpreter.execute()

    @property
    def leaves(self) -> frozenset[str]:
        """The active states without states within them."""
        chart = self._interpreter.statechart
        return frozenset(name for name in self._interpreter.configuration if not chart.children_for(name))

    def fire(self, event: str) -> None:
        """Fire an event."""
        self._interpreter.queue(event)
        self._interpreter.execute()

    def wait(self, seconds: float) -> None:
        """Do nothing: structural documents do not wait."""

    def finish(self) -> None:
        """Do nothing."""


def _add_states(chart: Statechart, states: Iterable[Described], parent: str | None) -> None:
    for state in states:
        chart.add_state(_sismic(state), parent)
        _add_states(chart, state.children, state.id)


def _sismic(state: Described) -> Any:
    if state.remembers:
        default = [target for arrow in state.arrows for target in arrow.targets]
        if len(default) > 1:
            raise NotConvertible("a history with several targets")
        kind = DeepHistoryState if state.kind is Kind.DEEP else ShallowHistoryState
        return kind(state.id, memory=default[0] if default else None)
    if state.kind is Kind.FINAL:
        return FinalState(state.id)
    if state.kind is Kind.PARALLEL:
        return OrthogonalState(state.id)
    if not state.states:
        return BasicState(state.id)
    first = state.initial or (state.states[0].id,)
    if len(first) > 1:
        raise NotConvertible("several initial states")
    return CompoundState(state.id, initial=first[0])


def _add_transitions(chart: Statechart, found: Description) -> None:
    for state in found.every():
        if state.remembers:
            continue
        for arrow in state.arrows:
            if len(arrow.targets) > 1:
                raise NotConvertible("a transition with several targets")
            for event in arrow.events or (None,):
                target = arrow.targets[0] if arrow.targets else None
                chart.add_transition(Transition(state.id, target, event))
