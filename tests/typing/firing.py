"""Only declared events can be fired, not their names."""

from __future__ import annotations

from typing import assert_type

from environments import EnvironmentState, Lifecycle
from environments.lifecycle import Subject
from statechart.chart import Event
from statechart.engine.hooks import Transition


def firing(machine: Lifecycle) -> None:
    assert_type(machine.fire(Lifecycle.provision), Transition)
    assert_type(machine.fire(Lifecycle.event("provision")), Transition)
    assert_type(Lifecycle.event("provision"), Event)
    machine.fire(Lifecycle.provision, reason="asked for")
    machine.require(Lifecycle.destroy)
    machine.fire("provision")  # reject: arg-type
    machine.fire("typo")  # reject: arg-type
    machine.fire(EnvironmentState.PROVISIONING)  # reject: arg-type
    machine.fire(Lifecycle.provisioning)  # reject: arg-type
    machine.fire()  # reject: call-arg
    machine.require("destroy")  # reject: arg-type


def binding() -> None:
    subject = Subject("demo", EnvironmentState.CREATED)
    assert_type(Lifecycle.bound(subject), Lifecycle)
    Lifecycle.bound(subject, comit=None)  # reject: call-arg
    print(Lifecycle.typo)  # reject: attr-defined
