"""Every command in the guide to recovery is run, in the situation that it is written for."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from environments.cli.app import main
from environments.errors import StepFailed
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import FailureCause
from environments.model.operation import Operation, StepInHand
from environments.model.provider_kinds import ProviderSpec
from environments.model.records import StepRecord, TransitionRecord
from environments.model.spec import EnvironmentSpec
from environments.model.states import Provisioning
from environments.providers.local import LocalProvider
from environments.storage.file import FileRepository
from environments.system.clock import SystemClock
from environments.testing import ScriptedProvider, ScriptedSpec
from statechart.errors import StorageError
from statechart.holder import Holder
from statechart.storage.journal import Journal
from tests.conftest import dead_holder

ROOT = Path(__file__).parents[2]
HELLO = ROOT / "examples" / "hello"
GUIDE = (ROOT / "docs" / "how-to" / "recover.md").read_text()
PARTS = re.findall(r"<!-- situation: (.+?) -->\n(.*?)(?=<!-- situation|\Z)", GUIDE, re.S)

_HOLDER = """
import sys, time
from environments.storage.file import FileRepository
from statechart.holder import Holder
session = FileRepository(sys.argv[1]).open("web", Holder.current("envchart provision"))
print("held", flush=True)
time.sleep(600)
"""
_MODULE = """
resource "terraform_data" "host" { input = "10.0.0.1" }
output "instance_ip" { value = terraform_data.host.output }
"""


def commands(text: str) -> list[tuple[str, int]]:
    """Return the commands of a part, each with the exit code that the guide announces."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for line in block.splitlines():
            command, _, comment = line.removeprefix("$ ").partition("    # exits with ")
            found.append((command, int(comment or 0)))
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ENVCHART_DATA_DIR", raising=False)
    return tmp_path


class Situations:
    """Makes the situation that a part of the guide is written for, in ./data."""

    def __init__(
        self, place: Path, scripted_provider: ScriptedProvider, clean: Callable[[Any], None]
    ) -> None:
        self.place = place
        self.scripted = scripted_provider
        self.repository = FileRepository(place / "data")
        self.clean = clean

    def make(self, name: str) -> None:
        getattr(self, name.replace(" ", "_"))()

    def created(self, provider: ProviderSpec | None = None) -> None:
        spec = EnvironmentSpec(name="web", provider=provider or ScriptedSpec())
        self.repository.create(Environment.new(spec, SystemClock().now()))

    def interrupted(self) -> None:
        self.created(LocalProvider(app=HELLO))
        self._die_at("create_directories")

    def in_doubt(self) -> None:
        self.created()
        self._die_at("first_provision")

    def _die_at(self, step: str) -> None:
        now = SystemClock().now()
        operation = Operation(
            id="0" * 32,
            command=CommandName.PROVISION,
            started_at=now,
            holder=dead_holder("envchart provision"),
        )
        hand = StepInHand(name=step, number=1, of=2, started_at=now)
        with self.repository.open("web", Holder.current("crash")) as session:
            entered = session.environment.entering(Provisioning(), at=now, operation=operation)
            session.commit(
                TransitionRecord(
                    event="provision", from_state="created", to_state="provisioning", environment=entered
                )
            )
            session.append_step(StepRecord(phase="intent", step=step, intent=hand))

    def locked(self) -> None:
        self.interrupted()
        words = [sys.executable, "-c", _HOLDER, str(self.place / "data")]
        holder = subprocess.Popen(words, stdout=subprocess.PIPE)
        self.clean(holder)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"

    def failed(self) -> None:
        self.created()
        self.scripted.fails["second_provision"] = [StepFailed(FailureCause.NETWORK, "no route to host")]
        assert main(["provision", "web"]) == 6

    def torn(self) -> None:
        self.failed_anew("destroy", "--yes")

    def partly_stopped(self) -> None:
        self.failed_anew("stop")

    def failed_anew(self, command: str = "configure", *options: str) -> None:
        self.created()
        assert main(["up", "web"]) == 0
        self.scripted.fails[f"second_{command}"] = [StepFailed(FailureCause.NETWORK, "no route to host")]
        assert main([command, "web", *options]) == 6

    def full(self) -> None:
        self.created()
        append = Journal.append
        appended = []

        def full_from_the_third(journal: Journal, line: Any) -> None:
            appended.append(line)
            if len(appended) > 2:
                raise StorageError("cannot append to history.jsonl: the disk is full")
            append(journal, line)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Journal, "append", full_from_the_third)
            assert main(["provision", "web"]) == 6
        assert len(appended) > 2

    def damaged(self) -> None:
        self.created()
        assert main(["provision", "web"]) == 0
        journal = self.place / "data" / "web" / "history.jsonl"
        lines = journal.read_text().splitlines(keepends=True)
        lines[2] = lines[2].replace("first_provision", "other_provision")
        journal.write_text("".join(lines))

    def edited(self) -> None:
        self.created()
        document = self.place / "data" / "web" / "state.json"
        document.write_text(document.read_text().replace('"created"', '"running"'))

    def running(self) -> None:
        self.created(LocalProvider(app=HELLO))
        assert main(["up", "web"]) == 0

    def terraform(self) -> None:
        if shutil.which("terraform") is None:
            pytest.skip("terraform is not on the path")
        module = self.place / "data" / "web" / "build" / "terraform"
        module.mkdir(parents=True)
        (module / "main.tf").write_text(_MODULE)
        for words in (["init"], ["apply", "-auto-approve"]):
            subprocess.run(["terraform", f"-chdir={module}", *words], check=True, capture_output=True)


@pytest.fixture
def situations(place: Path, scripted_provider: ScriptedProvider) -> Iterator[Situations]:
    started: list[subprocess.Popen[bytes]] = []
    yield Situations(place, scripted_provider, started.append)
    for process in started:
        with process:
            process.kill()
    leftover = place / "data" / "web" / "local" / "instance.json"
    if leftover.is_file():
        main(["destroy", "web", "--yes"])


def run(command: str, place: Path) -> int:
    """Run a command of the guide: envchart in this process, anything else in a shell."""
    words = shlex.split(command)
    if words[0] == "envchart":
        return main(words[1:])
    return subprocess.run(["sh", "-c", command], cwd=place, timeout=250).returncode


@pytest.mark.parametrize(("situation", "text"), PARTS, ids=lambda part: part[:16].replace(" ", "-"))
def test_every_command_does_what_the_guide_says(
    situations: Situations, place: Path, capfd: pytest.CaptureFixture[str], situation: str, text: str
) -> None:
    situations.make(situation)

    for command, announced in commands(text):
        assert run(command, place) == announced, f"{command}\n{capfd.readouterr()}"


def test_no_command_of_the_guide_is_left_out() -> None:
    written = len(re.findall(r"^\$ ", GUIDE, re.M))

    assert sum(len(commands(text)) for _, text in PARTS) == written > 30


def test_after_the_guide_s_way_by_hand_nothing_is_left(situations: Situations, place: Path) -> None:
    situations.make("running")
    url = json.loads((place / "data" / "web" / "state.json").read_text())["outputs"]["url"]
    part = next(text for situation, text in PARTS if situation == "running")

    for command, _ in commands(part):
        assert run(command, place) == 0

    with pytest.raises(OSError, match=r"refused|reset|closed"):
        urlopen(url, timeout=2)
