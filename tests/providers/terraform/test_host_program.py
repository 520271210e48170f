"""The program for hosts, run on this machine: releases, the plain daemon, log and ownership."""

from __future__ import annotations

import ast
import base64
import io
import json
import os
import pwd
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from environments.providers.common.app_files import Manifest, scan
from environments.providers.terraform.host_program import (
    bundle,
    daemon,
    launch,
    log,
    processes,
    program,
    releases,
    service,
    systemd,
    waiting,
)
from environments.providers.terraform.host_program.files import remove
from environments.providers.terraform.host_program.refused import Refused
from environments.providers.terraform.remote import archive as packing
from environments.system.files import OwnPath
from environments.system.waiting import block_until
from tests.operations import own
from tests.ports import free_port

PACKAGE = Path(bundle.__file__).parent
TOKEN = uuid4().hex  # a service is found by it: no other test, in another process, may have the same
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: None)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    found = tmp_path / "opt" / "envchart-web"
    found.mkdir(parents=True)
    return found


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An application with every kind of file that a release may hold."""
    found = tmp_path / "app"
    (found / "bin" / "deep").mkdir(parents=True)
    (found / "app.py").write_text("print('one')\n")
    (found / "bin" / "deep" / "tool").write_text("#!/bin/sh\n")
    (found / "bin" / "deep" / "tool").chmod(0o700)
    (found / "a name with spaces, é").write_bytes(b"\0" * 70_000)
    (found / os.fsdecode(b"no-text-\xff")).write_text("x")
    (found / "tool").symlink_to("bin/deep/tool")
    (found / "bin" / "up").symlink_to("../app.py")
    return found


def send(app: Path, root: Path) -> Manifest:
    """Upload an application as a release, in the calls that the controller makes."""
    manifest = scan(app, root)
    packing.pack(app, manifest, OwnPath.of(bundle.stage(root, room=1)), lambda: True)
    bundle.unpack(root, content=manifest.entries)
    return manifest


def test_a_release_has_exactly_the_uploaded_files(app: Path, root: Path) -> None:
    manifest = send(app, root)
    place = root / "releases" / manifest.id

    assert scan(place, root).entries == manifest.entries
    assert releases.identity(manifest.entries) == manifest.id
    assert releases.damage(root, release=manifest.id) is None
    assert oct((place / "bin" / "deep" / "tool").stat().st_mode)[-3:] == "755"
    assert oct((place / "app.py").stat().st_mode)[-3:] == "644"
    assert (place / "tool").readlink() == Path("bin/deep/tool")
    assert sorted(path.name for path in root.iterdir()) == ["releases"]


def test_the_archive_of_an_application_is_reproducible(app: Path, tmp_path: Path) -> None:
    manifest = scan(app, tmp_path / "none")
    for name in ("one", "two"):
        packing.pack(app, manifest, OwnPath(tmp_path) / name, lambda: True)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_an_application_that_changes_during_the_upload_is_refused(app: Path, root: Path) -> None:
    manifest = scan(app, root)
    (app / "app.py").write_text("print('two')\n")
    packing.pack(app, manifest, OwnPath.of(bundle.stage(root, room=1)), lambda: True)

    with pytest.raises(Refused, match="or the application was changed meanwhile"):
        bundle.unpack(root, content=manifest.entries)
    assert releases.names(root) == []
    assert list((root / "releases").iterdir()) == []
    assert not (root / "incoming").exists()


def member(name: str, **facts: Any) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    for key, value in facts.items():
        setattr(found, key, value)
    return found


OUTSIDE = {
    "above": [member("../evil")],
    "above, in the middle": [member("a/../../evil")],
    "absolute": [member("/tmp/evil")],
    "a link that leads out": [member("a", type=tarfile.SYMTYPE, linkname="../evil")],
    "an absolute link": [member("a", type=tarfile.SYMTYPE, linkname="/etc/passwd")],
    "through a link": [member("a", type=tarfile.SYMTYPE, linkname="b"), member("a/evil")],
    "a hard link": [member("a", type=tarfile.LNKTYPE, linkname="/etc/passwd")],
    "a device": [member("a", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
}


@pytest.mark.parametrize("filtering", [True, False], ids=["this Python", "one without filters"])
@pytest.mark.parametrize("case", OUTSIDE)
def test_archives_with_paths_outside_the_release_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch, case: str, filtering: bool
) -> None:
    if not filtering:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    with tarfile.open(bundle.stage(root, room=1), "w:gz") as archive:
        for each in OUTSIDE[case]:
            archive.addfile(each, io.BytesIO())

    with pytest.raises(Refused):
        bundle.unpack(root, content={"a": "x"})
    assert list((root / "releases").iterdir()) == []
    assert not list(root.parent.rglob("evil"))


def test_a_truncated_archive_is_refused(root: Path) -> None:
    Path(bundle.stage(root, room=1)).write_bytes(b"\x1f\x8b\x08\0")
    with pytest.raises((Refused, OSError)):
        bundle.unpack(root, content={"a": "x"})
    assert not (root / "incoming").exists()


def test_a_release_without_enough_space_is_refused(root: Path) -> None:
    with pytest.raises(Refused, match="no space left for") as caught:
        bundle.stage(root, room=10**18)
    assert caught.value.cause == "file_system"


def test_a_damaged_release_can_not_become_current(app: Path, root: Path) -> None:
    manifest = send(app, root)
    releases.switch(root, release=manifest.id, previous=None)
    (root / "current" / "app.py").write_text("else")

    with pytest.raises(Refused, match=r"damaged: app\.py is missing or changed; release again"):
        releases.switch(root, release=manifest.id, previous=None)
    assert send(app, root) == manifest, "it is mended by releasing again"
    assert releases.damage(root, release=manifest.id) is None


def test_linked_releases_are_kept(app: Path, root: Path) -> None:
    made = []
    for number in range(4):
        (app / "app.py").write_text(f"print({number})")
        made.append(send(app, root).id)
    releases.switch(root, release=made[2], previous=made[1])
    releases.prune(root, keep=[made[3], None])

    assert releases.names(root) == sorted(made[1:])
    assert releases.linked(root, name="previous") == made[1]
    releases.switch(root, release=made[3], previous=None)
    assert releases.linked(root, name="current") == made[3]
    assert releases.linked(root, name="previous") is None


RUN = """\
import json, sys
sys.path.insert(0, sys.argv[1])
from host_program.program import main
main(**json.load(sys.stdin))
"""


def call(function: str, root: Path, **arguments: Any) -> Any:
    """Call a function as the controller does: in a process that ends afterwards.

    Raises:
        Refused: It was refused.
    """
    said = json.dumps({"function": function, "root": str(root), "lineage": "mine", "arguments": arguments})
    words = [sys.executable, "-c", RUN, str(PACKAGE.parent)]
    ran = subprocess.run(words, input=said, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    if "result" not in answer:
        raise Refused(answer["cause"], answer["summary"])
    return answer["result"]


@pytest.fixture
def start(app: Path, root: Path) -> Iterator[Callable[..., None]]:
    """Return a function that starts a service in a release of the application."""
    if systemd.may_be_used():
        pytest.skip("this machine runs systemd: its units are no place for a test")
    call("stage", root, room=1)

    def started(text: str, **changes: Any) -> None:
        (app / "app.py").write_text(text)
        facts = {
            "command": [sys.executable, "app.py"],
            "env": {"MARK": TOKEN, "PORT": str(free_port())},
            "user": None,
            "release": send(app, root).id,
            "token": TOKEN,
            "fingerprint": "",
            "grace": 1,
            "operation": own("op"),
        }
        call("start", root, **{**facts, **changes})

    yield started
    call("stop", root, grace=0)


def said(root: Path, text: str) -> None:
    """Wait until the service has printed a text."""
    assert block_until(lambda: text in (root / "service.log").read_text(), within=30, every=0.01)


def test_a_stubborn_service_is_killed_with_its_children(root: Path, start: Callable[..., None]) -> None:
    start(STUBBORN)
    said(root, "ready")
    seen = call("status", root)
    assert (seen["alive"], seen["supervisor"], seen["restarts"]) == (True, "daemon", 0)
    family = [psutil.Process(seen["pid"]), *psutil.Process(seen["pid"]).children()]
    assert len(family) == 2

    assert "still runs" in call("remains", root)
    assert call("stop", root, grace=0.2)
    assert call("remains", root) == ""

    assert all(not each.is_running() or each.status() == psutil.STATUS_ZOMBIE for each in family)
    assert call("status", root) is None
    assert not call("stop", root, grace=0.2)


def test_an_unrecorded_process_is_found_by_its_token(root: Path, start: Callable[..., None]) -> None:
    start(STUBBORN)
    record = json.loads((root / "instance.json").read_text())
    (root / "instance.json").write_text(json.dumps({k: v for k, v in record.items() if k != "pid"}))

    seen = call("status", root)
    assert not seen["alive"]
    assert call("stop", root, grace=0)


def test_a_damaged_record_does_not_mean_that_no_service_runs(root: Path) -> None:
    for text in ("", "{", "null", "[]", "{}", '{"release": 1, "token": "t", "fingerprint": ""}'):
        (root / "instance.json").write_text(text)
        for look in (service.status, partial(service.stop, grace=0)):
            with pytest.raises(Refused, match=r"instance\.json, the record of the service, is damaged"):
                look(root)


SYSTEMD = {
    "ActiveState=active\nMainPID=7\nNRestarts=2": (True, 7, 2),
    "ActiveState=refreshing\nMainPID=7\nNRestarts=2": (True, 7, 2),
    "ActiveState=activating\nMainPID=0\nNRestarts=1": (True, None, 1),
    "ActiveState=inactive\nMainPID=0": (False, None, 0),
    "ActiveState=failed\nMainPID=0\nNRestarts=5": (False, None, 5),
    "": None,
    "ActiveState=\nMainPID=0": None,
    "ActiveState=active\nMainPID=": None,
    "ActiveState=frozen by a later version\nMainPID=7": None,
    "Warning: the journal has been rotated": None,
}
"""Answers of systemctl, with their meaning; None if they have none."""


def test_an_answer_of_systemd_that_is_not_understood_is_no_stopped_service(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "_BOOTED", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "systemctl").write_text(f"#!/bin/sh\ncat '{tmp_path}/said'\n")
    (tmp_path / "systemctl").chmod(0o700)
    for text, meaning in SYSTEMD.items():
        (tmp_path / "said").write_text(text)
        if meaning is None:
            with pytest.raises(Refused, match="is not understood"):
                systemd.status(root)
        else:
            assert tuple(systemd.status(root).values()) == meaning, text


def test_a_foreign_process_with_a_recorded_pid_is_left_alone(root: Path) -> None:
    record = {"pid": os.getpid(), "started": 1, "token": TOKEN}
    assert daemon.status(record)["alive"] is False
    assert daemon.stop(record, 0) is False


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "no such user": ({"user": "no-such-user"}, "service.user: there is no user no-such-user"),
    "no such program": ({"command": ["no-such-program"]}, "there is no program no-such-program in"),
    "no such program of it": ({"command": ["./nothing"]}, r"there is no program ./nothing in .*/releases/"),
    "no such release": ({"release": "0" * 12}, "is missing; release again"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refused_start_reports_the_reason(root: Path, start: Callable[..., None], case: str) -> None:
    changes, reason = REFUSALS[case]
    with pytest.raises(Refused, match=reason):
        start("", **changes)
    assert call("status", root) is None


def test_a_program_that_can_not_be_executed_is_reported(
    root: Path, app: Path, start: Callable[..., None]
) -> None:
    (app / "run").write_bytes(b"\0nothing")
    (app / "run").chmod(0o755)
    with pytest.raises(Refused, match="can't be started: exec format error"):
        start("", command=["./run"])


def test_a_uid_without_a_name_is_a_user_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    monkeypatch.setenv("HOME", "/srv")

    who = launch._user(None)

    assert (who.pw_name, who.pw_uid, who.pw_dir) == (str(os.geteuid()), os.geteuid(), "/srv")


def test_a_service_runs_as_the_declared_user(
    root: Path, tmp_path: Path, start: Callable[..., None]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may start a service as another user")
    for directory in (tmp_path, *tmp_path.parents):
        if directory.name.startswith(("pytest-", "popen-", tmp_path.name)):
            directory.chmod(0o755)
    text = "import os; print(os.getuid(), os.environ['HOME'], os.environ['USER']); open('/dev/stdout', 'a')"
    start(text, user="nobody", command=["/usr/bin/env", "python3", "app.py"])

    said(root, "nobody")
    assert (root / "service.log").stat().st_mode & 0o777 == 0o600


def add(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def gathered(root: Path, since: Any = None, **changes: Any) -> tuple[bytes, Any, int]:
    found = log.read(root, **{"since": since, "limit": 1000, "whole": True, **changes})
    return base64.b64decode(found["text"]), found["since"], found["skipped"]


def test_a_log_is_read_from_the_last_position(root: Path) -> None:
    assert gathered(root) == (b"", None, 0)
    path = root / "service.log"
    path.write_bytes(b"one\n")
    text, since, _ = gathered(root)
    assert text == b"one\n"
    assert gathered(root, since)[0] == b""
    add(path, b"two\n\xff\n")
    assert gathered(root, since)[0] == b"two\n\xff\n"


def test_no_line_of_a_log_is_lost_by_a_rotation(root: Path) -> None:
    path = root / "service.log"
    path.write_bytes(b"one\n")
    _, since, _ = gathered(root)
    add(path, b"two\n")
    path.rename(root / "service.log.1")
    path.write_bytes(b"three\n")

    text, since, skipped = gathered(root, since)
    assert (text, skipped) == (b"two\nthree\n", 0)
    path.write_bytes(b"")
    path.write_bytes(b"four\n")
    assert gathered(root, since)[0] == b"four\n", "it was cut"


def test_an_incomplete_last_line_is_left_for_the_next_read(root: Path) -> None:
    path = root / "service.log"
    path.write_bytes(b"one\nhalf a sec")
    text, since, _ = gathered(root, whole=False)
    assert text == b"one\n"
    add(path, b"ret\n")
    assert gathered(root, since, whole=False)[0] == b"half a secret\n"

    add(path, b"the end")
    os.utime(path, (1, 1))
    assert gathered(root, since, whole=False)[0] == b"half a secret\nthe end", "nobody goes on with it"


def test_only_complete_lines_at_the_end_of_a_long_log_are_read(root: Path) -> None:
    (root / "service.log").write_bytes(b"".join(b"line %d\n" % number for number in range(1000)))
    text, since, skipped = gathered(root, limit=30)
    assert text == b"line 997\nline 998\nline 999\n"
    assert skipped + len(text) == since["offset"] == (root / "service.log").stat().st_size


@pytest.fixture
def answer(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Return a function that calls the program and returns its output."""

    def answered(function: str, root: Path, lineage: str, **arguments: Any) -> Any:
        program.main(function, str(root), lineage, arguments)
        return json.loads(capsys.readouterr().out)

    return answered


def test_the_directory_of_another_environment_is_left_alone(root: Path, answer: Callable[..., Any]) -> None:
    assert "result" in answer("stage", root, "mine", room=1)
    for function, arguments in {"stage": {"room": 1}, "remove": {}, "stop": {"grace": 0}}.items():
        refused = answer(function, root, "another's", **arguments)
        assert refused["cause"] == "configuration"
        assert "belongs to another environment (lineage mine)" in refused["summary"]

    assert answer("remove", root, "mine") == {"result": None}
    assert not root.exists()


def test_an_unmarked_directory_is_not_removed(root: Path, answer: Callable[..., Any]) -> None:
    assert answer("remove", root, "mine") == {"result": None}
    assert root.is_dir()


def test_system_errors_come_with_advice(tmp_path: Path, answer: Callable[..., Any]) -> None:
    (tmp_path / "file").write_text("")
    refused = answer("stage", tmp_path / "file" / "web", "mine", room=1)
    assert refused == {"cause": "file_system", "summary": f"{tmp_path}/file/web: not a directory"}


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_the_host_program_needs_only_the_standard_library_of_python_3_9(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {each.name.partition(".")[0] for each in node.names} <= sys.stdlib_module_names
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 1 or str(node.module).partition(".")[0] in sys.stdlib_module_names


def test_a_call_waits_for_an_earlier_call_whose_caller_is_gone(
    root: Path, answer: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_PATIENCE", 0)
    answer("stage", root, "mine", room=1)
    with program._locked(root):
        refused = answer("discard", root, "mine")
    assert refused["cause"] == "timeout"
    assert "an earlier command still works in" in refused["summary"]


def test_waiting_ends_as_soon_as_the_condition_holds() -> None:
    answers = iter([False, False, True])

    assert waiting.until(lambda: next(answers), within=10, every=0)
    assert list(answers) == []


def test_waiting_evaluates_the_condition_once_more_when_time_is_up() -> None:
    asked: list[float] = []

    assert not waiting.until(lambda: bool(asked.append(time.monotonic())), within=0.05, every=1)
    assert len(asked) == 2
    assert not waiting.until(lambda: bool(asked.append(0)), within=0, every=1)
    assert len(asked) == 3


def test_processes_that_can_not_be_seen_do_not_count_as_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    with pytest.raises(Refused, match="which processes run is not known"):
        daemon.status({"pid": os.getpid(), "started": 1})
    with pytest.raises(Refused, match="which processes run is not known"):
        processes.of_service(None, TOKEN)


def test_a_removal_that_is_cut_off_leaves_the_marker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "service"
    (root / "releases/one/deep").mkdir(parents=True)
    for name in (".envchart.json", ".lock", "service.log"):
        (root / name).touch()

    def fails(*_: object, **__: object) -> None:
        raise OSError("the power is off")

    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", fails)
        with pytest.raises(OSError, match="the power is off"):
            remove(root)
    assert (root / ".envchart.json").exists()
    remove(root)

    assert not root.exists()
