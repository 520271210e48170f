"""Each command in odd circumstances: the exit codes are the same as always, and none is unexpected."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from environments.cli.registry import COMMANDS
from tests.cli.conftest import HELLO, Cli

WORDS = {
    "--version": (0, "--version"),
    "--help": (0, "--help"),
    "no command": (2, "nonsense"),
    "init": (2, "init app.py"),
    "create": (5, "create web --app ."),
    "create --template": (0, "create --template"),
    "provision": (4, "provision gone-was-destroyed"),
    "register": (4, "register web --address host"),
    "configure": (4, "configure gone-was-destroyed"),
    "release": (4, "release gone-was-destroyed"),
    "run": (4, "run web"),
    "deploy": (4, "deploy gone-was-destroyed"),
    "start": (4, "start web"),
    "stop": (4, "stop web"),
    "restart": (4, "restart web"),
    "events": (0, "events"),
    "top": (2, "top web"),
    "watch": (0, "watch web"),
    "wait": (0, "wait web --for provisioned"),
    "up --plan": (0, "up web --plan"),
    "destroy": (3, "destroy nothing --yes"),
    "destroy unasked": (2, "destroy web"),
    "purge": (4, "purge web --yes"),
    "retry": (4, "retry web"),
    "update": (2, "update web --file missing.yaml"),
    "export": (0, "export web"),
    "recover": (0, "recover web"),
    "unlock": (4, "unlock web --yes"),
    "why": (0, "why web"),
    "show": (0, "show web"),
    "show --json": (0, "show web --json"),
    "show nothing": (3, "show nothing"),
    "list": (0, "list"),
    "history": (0, "history web"),
    "logs": (0, "logs web"),
    "verify": (0, "verify --all"),
    "timers": (0, "timers list"),
    "drift": (0, "drift web"),
    "diagram": (0, "diagram --of web"),
    "dashboard": (2, "dashboard --host 203.0.113.1 --allow-host here --port 0"),
    "docs": (2, "docs check missing.md"),
    "schema": (0, "schema"),
    "store": (2, "store check"),
    "move": (2, "move web"),
    "fleet": (2, "fleet status"),
}


def test_every_command_is_in_the_table() -> None:
    assert set(COMMANDS) <= {words.split()[0] for _, words in WORDS.values()}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a provisioned environment, and a destroyed one."""
    for entry in COMMANDS.values():  # the forks need not import the modules each time
        import_module(f"environments.cli.commands.{entry.module}")
    import_module("environments.providers.local")
    import_module("environments.cli.exits")
    import_module("environments.lifecycle")
    import_module("environments.workspace")
    import_module("environments.dashboard.app")
    import_module("statechart.dashboard.serving.launch")
    data = tmp_path_factory.mktemp("prepared") / "data"
    for words in (
        f"create web --app {HELLO}",
        "provision web",
        f"create gone-was-destroyed --app {HELLO}",
        "destroy gone-was-destroyed --yes",
    ):
        with Streams() as streams:
            assert streams.run(*words.split(), data=data) == 0, streams.said()
    return data


class Streams:
    """Runs commands in forks of this process, with file descriptors of their own."""

    def __enter__(self) -> Streams:
        self.reading, self.writing = os.pipe()
        return self

    def __exit__(self, *_error: object) -> None:
        os.close(self.reading)
        os.close(self.writing)

    def run(self, *words: str, data: Path, change: Callable[[], object] = lambda: None) -> int:
        child = os.fork()
        if child == 0:
            self._become(words, data, change)
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)

    def _become(self, words: tuple[str, ...], data: Path, change: Callable[[], object]) -> None:
        code = 99
        try:
            os.environ["ENVCHART_DATA_DIR"] = str(data)
            for number in (1, 2):
                os.dup2(self.writing, number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.chdir(HELLO)
            change()
            sys.stdin, sys.stdout, sys.stderr = (_opened(number) for number in range(3))  # type: ignore[assignment]
            from environments.cli.app import main

            code = main(list(words))
        finally:
            os._exit(code)

    def said(self) -> str:
        os.set_blocking(self.reading, False)
        try:
            return os.read(self.reading, 1_000_000).decode(errors="replace")
        except BlockingIOError:
            return ""


def _opened(number: int) -> object:
    """Open a standard stream as Python does at its start."""
    try:
        os.fstat(number)
    except OSError:
        return None
    return os.fdopen(number, "r" if number == 0 else "w", closefd=False)


def close(*numbers: int) -> Callable[[], None]:
    def change() -> None:
        for number in numbers:
            os.close(number)

    return change


def set_environ(**values: str | None) -> Callable[[], None]:
    def change() -> None:
        for name, value in values.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

    return change


ODD = set_environ(HOME=None, SHELL=None, TERM=None, ODD="caf\udce9", COLUMNS="²", TMPDIR="/dev/null/no")
WIDTHS = ("0", "1", "-1", "9" * 30, "caf\udce9")


def odd_and_full() -> None:
    ODD()
    os.dup2(os.open("/dev/full", os.O_WRONLY), 2)


def full() -> None:
    os.dup2(os.open("/dev/full", os.O_WRONLY), 1)


def unread() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    os.dup2(writing, 1)


def differing(data: Path, change: Callable[[], object], names: Iterable[str]) -> dict[str, object]:
    """Return the commands that end otherwise than always, with the exit code and the output."""
    found: dict[str, object] = {}
    for name in names:
        code, words = WORDS[name]
        with Streams() as streams:
            ended = streams.run(*words.split(), data=data, change=change)
            said = streams.said()
        if ended != code or "error: unexpected" in said or "Traceback" in said:
            found[name] = (ended, said)
    return found


@pytest.mark.parametrize(
    "change", [close(0, 1, 2), odd_and_full], ids=["all closed", "odd environment, stderr full"]
)
def test_every_command_ends_as_always(prepared: Path, change: Callable[[], object]) -> None:
    assert differing(prepared, change, WORDS) == {}


@pytest.mark.parametrize(
    "change", [close(0), close(1), close(2), ODD], ids=["stdin", "stdout", "stderr", "environment"]
)
def test_commands_end_as_always(prepared: Path, change: Callable[[], object]) -> None:
    assert differing(prepared, change, ("--help", "destroy unasked", "show", "show nothing", "drift")) == {}


@pytest.mark.parametrize("words", ["--help", "show --help", "list", "show web", "why web", "history web"])
def test_any_width_will_do(prepared: Path, words: str) -> None:
    for width in WIDTHS:
        with Streams() as streams:
            change = set_environ(COLUMNS=width, TERM="\udcff")
            assert streams.run(*words.split(), data=prepared, change=change) == 0, (width, streams.said())


WRITING = ("--version", "--help", "create --template", "up --plan", "show --json", "list", "diagram")


@pytest.mark.parametrize(("change", "code"), [(unread, 141), (full, 1)], ids=["unread", "full"])
def test_an_output_that_can_not_be_written(prepared: Path, change: Callable[[], object], code: int) -> None:
    for words in (*(WORDS[name][1] for name in WRITING), "dashboard --port 0"):
        with Streams() as streams:
            assert streams.run(*words.split(), data=prepared, change=change) == code, words
            said = streams.said()
        assert said.startswith("error: the result can't be written: No space left") is (code == 1)


@pytest.mark.parametrize("instruction", ["bash_source", "fish_complete", "complete_bash"])
def test_completion_that_can_not_be_written(prepared: Path, instruction: str) -> None:
    asked = set_environ(_ENVCHART_COMPLETE=instruction, COMP_WORDS="envchart sh", COMP_CWORD="1")
    for change, code in ((unread, 141), (full, 1)):
        with Streams() as streams:
            assert streams.run(data=prepared, change=lambda each=change: (asked(), each())) == code
            assert "Traceback" not in streams.said()


HUGE = "9" * 5000


@pytest.mark.parametrize(
    ("words", "code"),
    [
        *(
            (f"history web --at={at}", 2)
            for at in ("²", HUGE, "-1", "9" * 18, "1e5", "", "0001-01-01T00:00:00+14:00")
        ),
        ("history web --at=9999-12-31T23:59:59.999999-01:00", 2),
        ("history web --at=9999-12-31", 0),
        *((f"logs web -n {count}", 2) for count in ("²", HUGE, "-1", "9" * 20, "1e5")),
        *((f"configure gone-was-destroyed --lock-timeout {time}", 2) for time in ("²", "-1", "nan")),
        *((f"run web --lock-timeout {time}", 4) for time in (HUGE, "inf", "1e400", "9" * 20)),
        *((f"unlock web --grace {time}", 2) for time in ("²", "-1", "nan")),
        ("unlock web --grace inf", 4),
        *((f"create new --app . --port {port}", 2) for port in ("²", HUGE, "-1", "0", "65536", "9" * 20)),
    ],
    ids=lambda value: str(value)[:40],
)
def test_absurd_numbers_are_refused(prepared: Path, words: str, code: int) -> None:
    with Streams() as streams:
        assert streams.run(*words.split(" "), data=prepared) == code, streams.said()


def test_a_removed_working_directory_is_named(prepared: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()

    def change() -> None:
        os.chdir(gone)
        gone.rmdir()

    for words, code in (
        ("list", 0),
        ("show web", 0),
        ("create new --app app", 7),
        ("list --data-dir d", 7),
    ):
        gone.mkdir(exist_ok=True)
        with Streams() as streams:
            assert streams.run(*words.split(), data=prepared, change=change) == code
            said = streams.said()
        if code:
            assert "error: the working directory does not exist any more\nnext: cd /, then envchart" in said


@pytest.mark.parametrize("limit", [5, 6, 8, 10, 12])
def test_few_file_descriptors_are_named(prepared: Path, tmp_path: Path, limit: int) -> None:
    data = tmp_path / "data"
    shutil.copytree(prepared, data)

    def change() -> None:
        os.closerange(3, 200)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    for words in ("create new --app .", "drift web", "list", "verify --all", "diagram --of web", "up web"):
        with Streams() as streams:
            code = streams.run(*words.split(), data=data, change=change)
            said = streams.said()
        assert code in (0, 6, 7), said
        assert not {"unexpected", "Warning", "Traceback", "permissions"} & set(re.findall(r"\w+", said)), (
            said
        )
    with Streams() as streams:  # a service that was started is not left behind
        streams.run("destroy", "web", "--yes", data=data)


@pytest.fixture
def read_only(prepared: Path) -> Iterator[Path]:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    prepared.chmod(0o500)
    yield prepared
    prepared.chmod(0o700)


def test_a_read_only_data_directory_is_named(read_only: Path) -> None:
    for words, code in (("list", 0), ("show web", 0), ("create new --app .", 7), ("configure web", 7)):
        with Streams() as streams:
            assert streams.run(*words.split(), data=read_only) == code, streams.said()


def test_what_follows_all_environments_needs_a_directory(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.touch()
    for words in ("list --watch", "events --follow", "dashboard --port 0"):
        with Streams() as streams:
            assert streams.run(*words.split(), data=data) == 7, words
            assert f"error: cannot list {data}" in streams.said()


def test_bytes_that_are_not_utf_8_are_refused_where_they_are_recorded(cli: Cli, hello: str) -> None:
    odd = "caf\udce9"
    for words in (
        ("create", "odd", "--app", HELLO, "--env", f"G={odd}"),
        ("create", "odd", "--app", odd),
        ("create", odd, "--app", HELLO),
        ("show", odd),
        ("history", hello, "--at", odd),
        ("up", hello, "--to", odd),
        (odd,),
        (f"--{odd}",),
    ):
        assert cli(*words).code == 2, words
    assert cli("--data-dir", odd, "create", "odd", "--app", HELLO).code == 0
    shown = cli("--data-dir", odd, "show", "odd")
    assert shown.code == 0
    assert r"--data-dir $'caf\xe9'" in shown.out
