"""The chart of an environment: its states, and the events allowed in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from loguru import logger

from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment
from environments.model.states import EnvironmentState
from statechart.chart import Chart, Event, State
from statechart.log import silence

silence("environments")  # here too: people try out the chart without any other module


@dataclass
class Subject:
    """The facts about an environment that the guards of the chart need."""

    name: str | None = None
    state: EnvironmentState = EnvironmentState.CREATED
    since: datetime | None = None
    teardown_begun: bool = False
    run_under_way: bool = False
    adopted: bool = False

    @classmethod
    def of(cls, environment: AnyEnvironment) -> Subject:
        """Return the facts about an environment."""
        return cls(
            name=environment.name,
            state=environment.state.name,
            since=environment.since,
            teardown_begun=environment.teardown_begun,
            run_under_way=environment.run_under_way,
            # A module may manage no resources at all: then its host is not ours either.
            adopted=not environment.outputs.owned and CommandName.PROVISION not in environment.applied,
        )

    def __copy__(self) -> Subject:
        copied = object.__new__(type(self))
        vars(copied).update(vars(self))
        return copied


class Lifecycle(Chart):
    """The lifecycle of a deployment environment.

    A state stands for work that is done and verified. `provision`, `configure` and `release` are
    fired when their work begins, and have a state for the work in progress; `run`, `stop` and
    `destroy` are fired when their work has succeeded. All share the outcomes `complete` and `fail`,
    whose targets the chart decides.
    """

    log_message = "Environment state transition"
    _log_module: ClassVar[str | None] = __name__

    created: State = State("created", value=EnvironmentState.CREATED, initial=True)
    provisioning: State = State("provisioning", value=EnvironmentState.PROVISIONING)
    provisioned: State = State("provisioned", value=EnvironmentState.PROVISIONED)
    configuring: State = State("configuring", value=EnvironmentState.CONFIGURING)
    configured: State = State("configured", value=EnvironmentState.CONFIGURED)
    releasing: State = State("releasing", value=EnvironmentState.RELEASING)
    released: State = State("released", value=EnvironmentState.RELEASED)
    running: State = State("running", value=EnvironmentState.RUNNING)
    provision_failed: State = State("provision_failed", value=EnvironmentState.PROVISION_FAILED)
    configure_failed: State = State("configure_failed", value=EnvironmentState.CONFIGURE_FAILED)
    release_failed: State = State("release_failed", value=EnvironmentState.RELEASE_FAILED)
    run_failed: State = State("run_failed", value=EnvironmentState.RUN_FAILED)
    destroyed: State = State("destroyed", value=EnvironmentState.DESTROYED, final=True)

    provision: Event = Event(
        created.to(provisioning, cond="intact")
        | provision_failed.to(provisioning, cond="intact")
        | provisioned.to(provisioning, cond=["intact", "not_adopted"])
        | configure_failed.to(provisioning, cond=["intact", "not_adopted"])
        | configured.to(provisioning, cond=["intact", "not_adopted"])
        | release_failed.to(provisioning, cond=["intact", "not_adopted"])
        | released.to(provisioning, cond=["intact", "not_adopted"])
        | running.to(provisioning, cond=["intact", "not_adopted"])
        | run_failed.to(provisioning, cond=["intact", "not_adopted"]),
        name="provision",
    )
    register: Event = Event(created.to(provisioned, cond="intact"), name="register")
    configure: Event = Event(
        provisioned.to(configuring, cond="intact")
        | configure_failed.to(configuring, cond="intact")
        | configured.to(configuring, cond="intact")
        | release_failed.to(configuring, cond="intact")
        | released.to(configuring, cond="intact")
        | running.to(configuring, cond="intact")
        | run_failed.to(configuring, cond="intact"),
        name="configure",
    )
    release: Event = Event(
        configured.to(releasing, cond="intact")
        | release_failed.to(releasing, cond="intact")
        | released.to(releasing, cond="intact")
        | running.to(releasing, cond="intact")
        | run_failed.to(releasing, cond="intact"),
        name="release",
    )
    run: Event = Event(
        released.to(running, cond="intact")
        | run_failed.to(running, cond="intact")
        | running.to(running, cond="intact"),
        name="run",
    )
    stop: Event = Event(
        running.to(released, cond="intact") | run_failed.to(released, cond="intact"), name="stop"
    )
    complete: Event = Event(
        provisioning.to(provisioned, cond="intact")
        | configuring.to(configured, cond="intact")
        | releasing.to(released, cond="intact"),
        name="complete",
    )
    fail: Event = Event(
        provisioning.to(provision_failed, cond="intact")
        | configuring.to(configure_failed, cond="intact")
        | releasing.to(release_failed, cond="intact")
        | released.to(run_failed, cond=["intact", "run_attempted"])
        | run_failed.to(run_failed, cond=["intact", "run_attempted"])
        | running.to(run_failed, cond="intact"),
        name="fail",
    )
    destroy: Event = Event(
        destroyed.from_(
            created,
            provisioning,
            provisioned,
            configuring,
            configured,
            releasing,
            released,
            running,
            provision_failed,
            configure_failed,
            release_failed,
            run_failed,
        ),
        name="destroy",
    )

    phases: ClassVar[Mapping[str, Sequence[State | str]]] = {
        "provision": (provisioning, provisioned, provision_failed),
        "configure": (configuring, configured, configure_failed),
        "release": (releasing, released, release_failed),
        "run": (running, run_failed),
    }
    failures: ClassVar[Sequence[State | str]] = (
        provision_failed,
        configure_failed,
        release_failed,
        run_failed,
    )

    @staticmethod
    def new_model() -> Subject:
        """Return the model of `Lifecycle()` without arguments: unnamed, in state `created`."""
        return Subject()

    @staticmethod
    def emit(level: str, message: str, fields: Mapping[str, object]) -> None:
        """Write a log line under the name `environments`, which `logger.enable` shows."""
        logger.bind(**fields).log(level, message)

    # The docstring of a guard is the reason that InvalidTransition gives for a refusal.

    def intact(self, model: Subject) -> bool:
        """A teardown has begun, and only destroy may follow."""
        return not model.teardown_begun

    def not_adopted(self, model: Subject) -> bool:
        """The host was not created by envchart, which does not change the infrastructure of such hosts."""
        return not model.adopted

    def run_attempted(self, model: Subject) -> bool:
        """No run is under way that could fail."""
        return model.run_under_way
