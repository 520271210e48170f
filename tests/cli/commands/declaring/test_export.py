"""`export`: the declaration as a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from environments.storage.file import FileRepository


def test_what_was_exported_creates_an_equal_environment_and_is_exported_alike(
    cli: Any, hello: str, data: Path, tmp_path: Path
) -> None:
    cli("update", hello, "--env", "T=@env:HOME", "--set", "provider.files.a.ini=[log]\nlevel = no\n")
    exported = cli("export", hello)
    (tmp_path / "env.yaml").write_text(exported.out)

    assert cli("create", "--file", "env.yaml", "--data-dir", "other").code == 0

    specs = [FileRepository(directory).load(hello).spec for directory in (data, tmp_path / "other")]
    assert specs[0] == specs[1]
    assert cli("export", hello, "--data-dir", "other").out == exported.out
    assert exported.out.startswith("# The environment hello, exported by envchart; to create it: ")
    assert cli("export", hello, "--json").document["file"] == exported.out
    assert cli("update", hello, "--file", "env.yaml").err.startswith("hello is already declared like that")


def test_an_unknown_environment_can_t_be_exported(cli: Any) -> None:
    assert (cli("export", "nothing").code, cli("export", "../x").code) == (3, 2)
