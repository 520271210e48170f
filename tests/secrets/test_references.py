"""References to secrets are read from regular files of limited size only."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.secrets.references import SecretMemory, SecretRef


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda _path: None, "No such file or directory"),
    "fifo": (os.mkfifo, "it is not a regular file"),
    "socket": (a_socket, "it is not a regular file"),
    "directory": (Path.mkdir, "it is not a regular file"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is not a regular file"),
    "loop": (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
    "too large": (lambda path: path.write_bytes(b"x" * (2**20 + 1)), "it is larger than 1048576 bytes"),
    "binary": (lambda path: path.write_bytes(b"pass\xff"), "it is not text in UTF-8"),
}


@pytest.mark.parametrize(("make", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_no_secret_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], object], reason: str
) -> None:
    make(tmp_path / "secret")

    with pytest.raises(StepFailed) as failed:
        SecretRef(file=tmp_path / "secret").resolve(SecretMemory())

    assert failed.value.cause is FailureCause.CONFIGURATION
    assert failed.value.summary == f"the secret file {tmp_path / 'secret'} can't be read: {reason}"


@pytest.mark.parametrize("content", ["s3cret", "s3cret\n", "s3cret\r\n"])
def test_a_link_to_a_file_is_read_without_its_final_line_break(tmp_path: Path, content: str) -> None:
    (tmp_path / "real").write_bytes(content.encode())
    (tmp_path / "secret").symlink_to(tmp_path / "real")

    assert SecretRef(file=tmp_path / "secret").resolve(SecretMemory()) == "s3cret"
