"""Make the data directory that a test keeps of each released format: `python make.py DIRECTORY`.

It is run once with each release, and what it made is never changed: later programs have to read it.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import Failure, FailureCause
from environments.model.operation import Operation, StepInHand, StepResult
from environments.model.records import AmendedRecord, OperationRecord, StepRecord, TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import EnvironmentState, enter
from environments.providers.local import LocalProvider
from environments.storage.file import FileRepository
from statechart.holder import Holder

AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)
HOLDER = Holder(
    pid=71,
    host="lab",
    user="ann",
    command="envchart",
    since=AT,
    token="0" * 32,
    start_ticks=5,
    boot_id="b",
    pid_namespace="pid:[1]",
)
BEGUN = {"provision": "provisioning", "configure": "configuring", "release": "releasing"}
DONE = {"provision": "provisioned", "configure": "configured", "release": "released"}


class Maker:
    """Record environments as their commands would."""

    def __init__(self, place: Path) -> None:
        self.repository = FileRepository(place)
        self.name = ""
        self.more: dict[str, Any] = {}

    def create(self, name: str) -> None:
        self.name = name
        spec = EnvironmentSpec(
            name=name, provider=LocalProvider(app="/srv/app"), description="für Ann", **self.more
        )
        self.repository.create(Environment.new(spec, AT))

    def write(self, make: Any) -> None:
        with self.repository.open(self.name, HOLDER) as session:
            record = make(session.environment)
            (session.append_step if isinstance(record, StepRecord) else session.commit)(record)

    def operation(self, command: str, **known: Any) -> Operation:
        known = {"id": f"{command}-of-{self.name}", "holder": HOLDER, **known}
        return Operation(command=CommandName(command), started_at=AT, **known)

    def enter(self, event: str, state: str, *, operation: Any = None, failure: Any = None) -> None:
        def record(environment: Any) -> Any:
            value = enter(EnvironmentState(state), failure)
            entered = environment.entering(value, at=AT, operation=operation)
            states = {"from_state": environment.state.name, "to_state": state}
            return TransitionRecord(event=event, reason=None, environment=entered, **states)

        self.write(record)

    def change(self, change: str, operation: Any) -> None:
        self.write(
            lambda environment: OperationRecord(
                change=change, reason="asked", environment=environment.with_operation(operation, at=AT)
            )
        )

    def intent(self, step: str) -> None:
        hand = StepInHand(name=step, number=1, of=2, started_at=AT)
        self.write(lambda _: StepRecord(phase="intent", step=step, intent=hand))

    def step(self, step: str, **outputs: Any) -> None:
        self.intent(step)
        result = StepResult(name=step, version=1, digest="d" * 64, outputs=outputs, note="as asked")
        self.write(lambda _: StepRecord(phase="result", step=step, result=result))

    def stage(self, command: str, **outputs: Any) -> None:
        self.enter(command, BEGUN[command], operation=self.operation(command))
        self.step(f"{command}_it", **outputs)
        self.enter("complete", DONE[command])

    def run(self, release: str) -> None:
        self.change("opened", self.operation("run"))
        self.step("start_service", serving=release)
        self.enter("run", "running")

    def up(self, name: str) -> None:
        self.create(name)
        self.stage("provision", instance_ip="127.0.0.1", port=8000, url="http://127.0.0.1:8000/")
        self.stage("configure")
        self.stage("release", release="a" * 12)
        self.run("a" * 12)

    def failure(self, command: str, step: str) -> Failure:
        return Failure(
            command=CommandName(command),
            step=step,
            cause=FailureCause.NETWORK,
            summary="no route to host",
            started_at=AT,
            failed_at=AT,
            duration=timedelta(seconds=1.5),
            trace_id="t",
            trace_file="traces/t.log",
        )


def make(maker: Maker) -> None:
    maker.create("created")
    maker.up("redeployed")
    maker.stage("release", release="b" * 12)
    maker.run("b" * 12)
    maker.create("failed")
    maker.enter("provision", "provisioning", operation=maker.operation("provision"))
    maker.intent("reserve_port")
    maker.write(lambda _: StepRecord(phase="failure", step="reserve_port", summary="no route to host"))
    failure = maker.failure("provision", "reserve_port")
    maker.enter(
        "fail", "provision_failed", operation=maker.operation("provision").failed(failure), failure=failure
    )
    maker.up("torn")
    destroying = maker.operation("destroy", effects_begun=True)
    maker.change("opened", destroying)
    maker.step("stop_service", serving=None)
    maker.change("closed", destroying.failed(maker.failure("destroy", "remove_directories")))
    maker.create("interrupted")
    maker.enter("provision", "provisioning", operation=maker.operation("provision"))
    maker.intent("create_directories")
    maker.create("amended")
    maker.write(
        lambda environment: AmendedRecord(
            fields=("description",),
            environment=environment.with_spec(
                environment.spec.model_copy(update={"description": "for Ben"}), at=AT
            ),
        )
    )
    maker.create("destroyed")
    maker.change("opened", maker.operation("destroy"))
    maker.step("verify_absence")
    maker.enter("destroy", "destroyed")


def make_what_came_later(maker: Maker) -> None:
    """Record the additions of format 2: doubts, processes, settlements, unlocking."""
    from environments.model.operation import ToolProcess
    from environments.model.records import HowSettled

    maker.create("recovered")
    maker.enter("provision", "provisioning", operation=maker.operation("provision"))
    maker.intent("create_directories")
    maker.intent("reserve_port")
    tool = ToolProcess(pid=72, program="tool", started=6, boot_id="b")
    maker.write(lambda _: StepRecord(phase="process", step="reserve_port", process=tool))
    maker.write(
        lambda environment: OperationRecord(
            change="unlocked",
            reason="ann@lab ended its holder",
            environment=environment.with_operation(environment.operation, at=AT),
        )
    )
    settled = HowSettled(by="person", reason="I looked", who="ann@lab")
    maker.write(
        lambda _: StepRecord(phase="failure", step="reserve_port", summary="not done", settled=settled)
    )
    failure = maker.failure("provision", "reserve_port")
    operation = maker.repository.load("recovered").operation
    assert operation is not None
    maker.enter("fail", "provision_failed", operation=operation.interrupted(failure), failure=failure)


def make_the_second_day(maker: Maker) -> None:
    """Record the additions of format 3: applied inputs, labels, expiry, and the edges from running."""

    def achieve(event: str, state: str) -> None:
        def record(environment: Any) -> Any:
            achieved = environment.achieving(enter(EnvironmentState(state)), at=AT)
            states = {"from_state": environment.state.name, "to_state": state}
            return TransitionRecord(event=event, reason=None, environment=achieved, **states)

        maker.write(record)

    def step(name: str, **outputs: Any) -> None:
        maker.intent(name)
        inputs = {"settings": "0" * 16, "version": "1" * 16}
        result = StepResult(name=name, version=1, digest="d" * 64, inputs=inputs, outputs=outputs)
        maker.write(lambda _: StepRecord(phase="result", step=name, result=result))

    def configured_anew(name: str) -> None:
        maker.up(name)
        maker.enter("configure", "configuring", operation=maker.operation("configure"))
        step("write_settings")
        achieve("complete", "configured")

    maker.more = {"labels": {"team": "web"}, "expires": timedelta(hours=8)}
    configured_anew("anew")
    maker.up("restarted")
    maker.change("opened", maker.operation("run"))
    step("start_service", serving="a" * 12)
    achieve("run", "running")
    maker.up("stopped")
    maker.change("opened", maker.operation("stop"))
    step("stop_service", serving=None)
    achieve("stop", "released")
    maker.up("half-stopped")
    stopping = maker.operation("stop")
    maker.change("opened", stopping)
    maker.intent("stop_service")
    maker.write(
        lambda environment: OperationRecord(
            change="closed",
            reason="asked",
            environment=environment.with_operation(
                environment.operation.failed(maker.failure("stop", "stop_service")), at=AT
            ),
        )
    )


def main(place: Path) -> None:
    maker = Maker(place / "data")
    make(maker)
    if hasattr(Operation, "interrupted"):
        make_what_came_later(maker)
    if hasattr(CommandName, "STOP"):
        make_the_second_day(maker)
    repository = maker.repository
    expected = {name: repository.load(name).condition for name in repository.names()}
    text = json.dumps(expected, indent=2, sort_keys=True, ensure_ascii=False)
    (place / "expected.json").write_text(text + "\n")
    for lock in (place / "data" / ".locks").iterdir():
        lock.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
