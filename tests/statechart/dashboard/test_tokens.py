"""The file of a dashboard's token: made once, for its owner only."""

import os
from pathlib import Path

import pytest

from statechart.dashboard.serving.errors import UnusableToken
from statechart.dashboard.serving.tokens import kept_token


def test_a_token_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "token"

    made = kept_token(path)

    assert len(made) == 43
    assert kept_token(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda path: path.write_text("t" * 43), "chmod 600"),
        (lambda path: path.symlink_to("elsewhere"), "it is a link"),
        (lambda path: os.mkfifo(path, 0o600), "no regular file"),
        (lambda path: path.mkdir(), "Is a directory"),
        (lambda path: (path.touch(0o600), path.write_text("")), "holds no token"),
        (lambda path: (path.touch(0o600), path.write_text("t" * 100_000)), "holds no token"),
        (lambda path: (path.touch(0o600), path.write_bytes(b"\xff" * 43)), "holds no token"),
        (lambda path: path.parent.rmdir(), "No such file"),
    ],
    ids=["readable", "link", "fifo", "directory", "empty", "huge", "binary", "no directory"],
)
def test_a_file_that_holds_no_token_of_its_owner_is_refused(tmp_path: Path, make, problem) -> None:
    path = tmp_path / "there" / "token"
    path.parent.mkdir()
    make(path)

    with pytest.raises(UnusableToken, match=problem):
        kept_token(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    kept_token(path)
    os.chown(path, 65534, 65534)

    with pytest.raises(UnusableToken, match="another user"):
        kept_token(path)
