"""No command follows what somebody planted in the place of a file or directory of ours."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from environments.storage.file import FileRepository
from tests.cli.conftest import Cli

MARK = "this is the victim's"
# Made for a moment, so that a walk does not meet them: names of temporary files, and of remains.
PASSING = (
    *(".new", ".trash", "web/.state.json.tmp", "web/traces", "web/build", "web/.local-new-{lineage}"),
    *("web/.local-gone-{lineage}", "web/local/releases/.new-1", "web/local/.current.new"),
    *("web/local/service.log.1", "web/local/.instance.json.tmp", ".ports/.1.tmp", ".locks/other.lock"),
    *(".new/1", ".trash/1", "other"),
)
Commands: TypeAlias = tuple[tuple[str, ...], ...]
EVERYWHERE: Commands = (
    *(("show", "web"), ("logs", "web"), ("logs", "web", "--trace"), ("create", "other", "--app", "app")),
    *(("recover", "web", "--rebase", "--yes"), ("destroy", "web", "--yes"), ("purge", "web", "--yes")),
)
OF_THE_PROVIDER: Commands = (
    *(("drift", "web"), ("configure", "web"), ("release", "web"), ("run", "web"), *EVERYWHERE),
)
ALL: Commands = (
    *(("list",), ("why", "web"), ("history", "web"), ("verify", "web"), ("recover", "web")),
    *(("unlock", "web", "--yes"), ("update", "web", "--file", "env.yaml"), *OF_THE_PROVIDER),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Declare an environment whose service ends at once, which costs little time."""
    app = tmp_path / "app"
    (app / "static").mkdir(parents=True)
    (app / "static" / "style.css").write_text("body {}")
    path = tmp_path / "env.yaml"
    path.write_text(
        f"name: web\nprovider:\n  kind: local\n  app: {app}\n  command: [/bin/echo, up]\n"
        "  files: {motd.txt: hello}\n"
    )
    return path


@pytest.fixture
def template(cli: Cli, data: Path, file: Path, tmp_path: Path) -> Path:
    """A data directory in which an environment has left nearly all that it can leave."""
    assert cli("up", "web", "--file", file).code == 6
    other = shutil.copytree(tmp_path / "app", tmp_path / "other")
    (other / "more").write_text("")
    assert cli("release", "web", "--app", other).code == 0
    assert cli("run", "web").code == 6
    return data.rename(tmp_path / "template")


def lineage(data: Path) -> str:
    return FileRepository(data).load("web").lineage


def places(template: Path) -> Iterator[str]:
    """Yield all paths of a data directory but the app's own files."""
    for folder, directories, files in os.walk(template):
        for name in sorted((*directories, *files)):
            path = Path(folder, name).relative_to(template)
            if not path.is_relative_to("web/local/releases") or len(path.parts) <= 4:
                yield str(path)
    yield from (name.format(lineage=lineage(template)) for name in PASSING)


def snapshot(place: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return what is below a path, with modes, times and content."""
    return {
        str(path): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else b"",
        )
        for path in (place, *place.rglob("*"))
    }


def victim_of(path: Path, victim: Path) -> None:
    """Make a victim that would serve as well as the file or directory in question."""
    if path.is_dir():
        shutil.copytree(path, victim, symlinks=True)
        (victim / "sub").mkdir()
        (victim / "sub" / "file").write_text(MARK)
        for log in (*victim.rglob("*.log"), *victim.rglob("app.py")):
            log.write_text(f"{MARK}\n")
    elif path.is_file():
        shutil.copyfile(path, victim)
        if path.suffix == ".log":
            victim.write_text(f"{MARK}\n")
    else:
        victim.mkdir()
        (victim / "sub").mkdir()
        (victim / "sub" / "file").write_text(MARK)


def to_a_like(path: Path, victim: Path) -> None:
    victim_of(path, victim)
    cleared(path).symlink_to(victim)


def to_a_file(path: Path, victim: Path) -> None:
    victim.write_text(MARK)
    cleared(path).symlink_to(victim)


def to_nothing(path: Path, victim: Path) -> None:
    cleared(path).symlink_to(victim)


def a_fifo(path: Path, _victim: Path) -> None:
    os.mkfifo(cleared(path))


def a_socket(path: Path, _victim: Path) -> None:
    here = Path.cwd()
    place = cleared(path)
    os.chdir(place.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(place.name)
    finally:
        os.chdir(here)


def the_other_kind(path: Path, _victim: Path) -> None:
    directory = path.is_dir()
    place = cleared(path)
    if directory:
        place.write_text("a file")
    else:
        place.mkdir()
        (place / "file").write_text("in a directory")


def cleared(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


Plant = Callable[[Path, Path], None]
PLANTS: tuple[Plant, ...] = (to_a_like, to_a_file, to_nothing, a_fifo, a_socket, the_other_kind)


def problems(
    cli: Cli, data: Path, template: Path, place: str, plant: Plant, commands: Commands
) -> Iterator[str]:
    """Plant something, run commands, and yield whatever they did wrong."""
    victim = data.parent / "victim"
    for path in (data, victim):
        cleared(path)
    shutil.copytree(template, data, symlinks=True)
    plant(data / place, victim)
    before = snapshot(victim) if victim.exists() else {}
    for command in commands:
        ran = cli(*command)
        said = ran.out + ran.err
        wrong = [
            *(["it is unexpected"] if ran.code == 1 or "unexpected" in said or "Traceback" in said else []),
            *([f"exit code {ran.code}"] if ran.code > 9 else []),
            *(["it shows the victim's"] if MARK in said else []),
            *(["it touched the victim"] if (snapshot(victim) if victim.exists() else {}) != before else []),
        ]
        yield from (f"{plant.__name__} at {place}: {' '.join(command)}: {each}: {said}" for each in wrong)


def test_no_planted_link_is_followed(cli: Cli, data: Path, template: Path) -> None:
    found: list[str] = []
    for place in places(template):
        commands = OF_THE_PROVIDER if place.startswith(("web/local", ".ports")) else EVERYWHERE
        found += problems(cli, data, template, place, to_a_like, commands)

    assert found == []


@pytest.mark.soak
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("plant", PLANTS)
def test_in_the_long_form_nothing_planted_is_followed_or_unexpected(
    cli: Cli, data: Path, template: Path, plant: Plant
) -> None:
    found: list[str] = []
    for place in places(template):
        found += problems(cli, data, template, place, plant, ALL)

    assert found == []
