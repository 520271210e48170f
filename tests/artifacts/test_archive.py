"""Archives of directories: the same bytes for the same files, and nothing unsafe out of them."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from typing_extensions import Buffer

from environments.artifacts.archive import digest_of, pack, unpack
from environments.artifacts.errors import ArtifactAltered, CannotPack, TooLarge
from environments.artifacts.trees import Tree, is_left_out


def tree_of(root: Path, *, links: bool = True) -> Tree:
    def files() -> list[Path]:
        return [path for path in root.rglob("*") if path.is_symlink() or not path.is_dir()]

    return Tree("app", "application", root, root, files, frozenset(), links=links)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    (root / "lib").mkdir(parents=True)
    (root / "app.py").write_text("print(1)\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "lib" / "ä b\n.py").write_text("")
    (root / "lib" / os.fsdecode(b"\xff")).write_text("odd")
    (root / "current").symlink_to("app.py")
    return root


def packed(root: Path, *, links: bool = True) -> tuple[io.BytesIO, str]:
    file = io.BytesIO()
    return file, pack(tree_of(root, links=links), file).digest


def test_an_archive_is_named_after_its_bytes(app: Path) -> None:
    file, digest = packed(app)

    assert digest == sha256(file.getvalue()).hexdigest() == digest_of(tree_of(app))


def test_the_same_files_make_the_same_archive_whenever_and_by_whomever_they_were_written(app: Path) -> None:
    _, before = packed(app)

    os.utime(app / "app.py", (1, 1))
    (app / "app.py").chmod(0o640)

    assert packed(app)[1] == before


@pytest.mark.parametrize(
    "change",
    [
        lambda app: (app / "app.py").write_text("print(2)\n"),
        lambda app: (app / "app.py").chmod(0o755),
        lambda app: (app / "app.py").rename(app / "main.py"),
        lambda app: (app / "new").touch(),
    ],
)
def test_another_content_name_or_mode_makes_another_archive(
    app: Path, change: Callable[[Path], object]
) -> None:
    _, before = packed(app)

    change(app)

    assert packed(app)[1] != before


def test_unpacked_files_are_those_that_were_packed(app: Path, tmp_path: Path) -> None:
    file, digest = packed(app)

    unpack(file, digest, tmp_path / "there")

    there = tmp_path / "there"
    assert packed(there)[1] == digest
    assert (there / "lib" / os.fsdecode(b"\xff")).read_text() == "odd"
    assert os.access(there / "run", os.X_OK)
    assert not os.access(there / "app.py", os.X_OK)
    assert (there / "current").readlink() == Path("app.py")


def test_links_are_followed_where_the_files_behind_them_are_meant(app: Path, tmp_path: Path) -> None:
    file, digest = packed(app, links=False)

    unpack(file, digest, tmp_path / "there")

    assert not (tmp_path / "there" / "current").is_symlink()
    assert (tmp_path / "there" / "current").read_text() == "print(1)\n"


def test_files_that_are_too_large_are_named_before_they_are_read(app: Path) -> None:
    with (app / "film.bin").open("wb") as film:
        film.truncate(10**12)

    with pytest.raises(TooLarge, match=r"larger than 256 MiB.*are film\.bin \(953674 MiB\), "):
        packed(app)


def test_many_small_files_reach_the_limit_as_well(app: Path) -> None:
    with pytest.raises(TooLarge):
        pack(tree_of(app), io.BytesIO(), limit=4096)


def test_a_file_that_keeps_changing_is_named(app: Path) -> None:
    log = app / "log"
    log.write_bytes(b"x" * 5_000_000)

    class Archive(io.BytesIO):
        """A file that something logs about as it is written."""

        def write(self, content: Buffer, /) -> int:
            with log.open("ab") as file:
                file.write(b"y")
            return super().write(content)

    with pytest.raises(CannotPack, match="log changes while it is copied; try again when it is at rest"):
        pack(tree_of(app), Archive())


def test_a_file_that_is_gone_or_is_no_file_is_named(app: Path) -> None:
    os.mkfifo(app / "pipe")
    with pytest.raises(CannotPack, match="pipe can't be read: it is neither a file nor a link"):
        packed(app)

    (app / "pipe").unlink()
    gone = Tree("app", "application", app, app, lambda: [app / "gone"], frozenset())
    with pytest.raises(CannotPack, match="gone can't be read: No such file"):
        pack(gone, io.BytesIO())


def test_an_altered_archive_is_not_unpacked(app: Path, tmp_path: Path) -> None:
    file, digest = packed(app)
    altered = io.BytesIO(file.getvalue().replace(b"print(1)", b"print(2)"))

    with pytest.raises(ArtifactAltered):
        unpack(altered, digest, tmp_path / "there")

    assert not (tmp_path / "there").exists()


def evil(*members: tuple[tarfile.TarInfo, bytes]) -> tuple[io.BytesIO, str]:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return file, sha256(file.getvalue()).hexdigest()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    return entry


@pytest.mark.parametrize(
    "members",
    [
        [(member("../out"), b"x")],
        [(member("/etc/out"), b"x")],
        [(member("a/../../out"), b"x")],
        [(member("."), b"x")],
        [(member("device", tarfile.CHRTYPE), b"")],
        [(member("hard", tarfile.LNKTYPE, "/etc/passwd"), b"")],
        [(member("link", tarfile.SYMTYPE, "../.."), b"")],
        [(member("link", tarfile.SYMTYPE, "/etc"), b"")],
        [(member("link", tarfile.SYMTYPE, "dir"), b""), (member("link/out"), b"x")],
        [(member("link", tarfile.SYMTYPE, "a"), b""), (member("link"), b"x")],
    ],
)
def test_an_archive_that_leads_out_is_not_unpacked(
    tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]
) -> None:
    file, digest = evil(*members)

    with pytest.raises(ArtifactAltered):
        unpack(file, digest, tmp_path / "there")

    assert list(tmp_path.iterdir()) == []


def test_bytes_that_are_no_archive_are_told(tmp_path: Path) -> None:
    content = b"no archive" * 1000

    with pytest.raises(ArtifactAltered, match="it is no archive"):
        unpack(io.BytesIO(content), sha256(content).hexdigest(), tmp_path / "there")


@pytest.mark.parametrize(
    "name",
    [
        "terraform.tfstate",
        "terraform.tfstate.backup",
        ".terraform.tfstate.lock.info",
        "web.tfstate",
        "errored.tfstate",
        ".terraform",
        ".git",
        "x.pyc",
    ],
)
def test_state_and_caches_of_tools_never_travel(name: str) -> None:
    assert is_left_out(name)


@pytest.mark.parametrize("name", ["main.tf", ".terraform.lock.hcl", "terraform.tfvars", "states.py"])
def test_what_terraform_reads_travels(name: str) -> None:
    assert not is_left_out(name)
