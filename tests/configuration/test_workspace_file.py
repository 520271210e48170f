"""Workspace files: their values, and the messages about what is wrong with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from environments.configuration.workspace_file import ListDefaults, WorkspaceFile, is_foreign
from environments.configuration.workspace_toml import load_workspace_file, workspace_file_text
from environments.errors import InvalidConfiguration


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".envchart.toml"


def test_each_key_is_read(path: Path) -> None:
    path.write_text(
        'data_dir = "envs"\nparallel = 8\non_transition = "./notify.sh"\non_transition_timeout = 2.5\n'
        '[list]\ncolumns = "state, name"\nsort = "age"\ngroup_by = "team"\nstate = ["running"]\n'
        'label = ["team=web"]\nfailed = true\nexpired = true\n'
    )

    found = load_workspace_file(path)

    assert found == WorkspaceFile(
        data_dir=path.parent / "envs",
        parallel=8,
        on_transition="./notify.sh",
        on_transition_timeout=timedelta(seconds=2.5),
        list=ListDefaults(("state", "name"), "age", "team", ("running",), ("team=web",), True, True),
        path=path,
    )
    assert found.directory == path.parent


@pytest.mark.parametrize("name", ["data", 'odd "name" \\ \x1b é', "/srv/environments"])
def test_a_new_file_is_valid_and_its_comments_name_every_key(path: Path, name: str) -> None:
    text = workspace_file_text(name)
    path.write_text(text)
    plain = load_workspace_file(path)
    lines = [
        line for line in text.splitlines() if not line.startswith("# store = ")
    ]  # it excludes data_dir
    path.write_text("\n".join(line.removeprefix("# ") if " = " in line else line for line in lines))
    full = load_workspace_file(path)

    assert plain == WorkspaceFile(data_dir=path.parent / name, path=path)
    assert full.data_dir == plain.data_dir
    keys = {line.removeprefix("# ").split(" = ")[0] for line in text.splitlines() if " = " in line}
    assert keys == {*WorkspaceFile._fields, *ListDefaults._fields} - {"list", "path"}


def test_a_new_file_names_a_database(path: Path) -> None:
    path.write_text(workspace_file_text("postgresql://ann@db/envs", "store"))

    assert load_workspace_file(path).store == "postgresql://ann@db/envs"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("store = 'data'", ["{path}:1: store: this is not the URL of a database, such as postgresql://"]),
        (
            "data_dir = 'x'\nstore = 'sqlite:///x'",
            ["{path}:2: store: store and data_dir exclude each other: remove one of the two"],
        ),
        ("\ndata_dri = 'x'", ["{path}:2: data_dri: there is no such key; did you mean 'data_dir'?"]),
        ("path = 'x'", ["{path}:1: path: there is no such key; known are data_dir, "]),
        ("[lists]\nsort = 'x'", ["{path}:1: lists: there is no such key; did you mean 'list'?"]),
        ("[list]\n# why\n\nsrt = 'x'", ["{path}:4: list.srt: there is no such key; did you mean 'sort'?"]),
        ("a = 1\nb = 2", ["{path}:1: a: there is no", "{path}:2: b: there is no"]),
        ("parallel = '4'", ["{path}:1: parallel: should be a whole number, got a string"]),
        ("parallel = true", ["{path}:1: parallel: should be a whole number, got true"]),
        ("parallel = 0", ["{path}:1: parallel: should be a number from 1 to 1000, got 0"]),
        ("on_transition_timeout = -1", ["{path}:1: on_transition_timeout: should be a number of seconds"]),
        ("on_transition_timeout = nan", ["{path}:1: on_transition_timeout: should be a number of seconds"]),
        ('on_transition = "say \'"', ["{path}:1: on_transition: is not a command line: no closing"]),
        ("on_transition = ''", ["{path}:1: on_transition: should not be empty"]),
        ("data_dir = ['x']", ["{path}:1: data_dir: should be a string, got a list"]),
        ("list = 1", ["{path}:1: list: should be a table, [list], got a number"]),
        ("[list]\ncolumns = [\n  'a',\n  1,\n]", ["{path}:2: list.columns: should be a list of strings"]),
        (
            "[list]\nstate = ['runing']",
            ["{path}:2: list.state: there is no state 'runing'; did you mean 'ru"],
        ),
        ("[list]\nlabel = ['=web']", ["{path}:2: list.label: the label '=web': its key is empty"]),
        ("[list]\nfailed = 2020-01-01", ["{path}:2: list.failed: should be true or false, got a date"]),
        ("data_dir = data", ["{path}:1:12: it is not TOML: Invalid value"]),
        ("x = '''", ["{path}"]),
        ("x = " + "[" * 2000, ["it is nested too deeply"]),
        (b"a = 1\n# \xff", ["{path}:2: it is not text in UTF-8"]),
        ("#" * 40_000, ["it is larger than 32,768 bytes"]),
    ],
    ids=lambda value: str(value)[:25] if isinstance(value, str | bytes) else "",
)
def test_a_wrong_file_is_refused_with_its_lines(path: Path, text: str | bytes, problems: list[str]) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(InvalidConfiguration) as refused:
        load_workspace_file(path)

    expected = [problem.format(path=path) for problem in problems]
    assert len(refused.value.problems) == len(expected)
    assert all(map(str.startswith, refused.value.problems, expected)), refused.value.problems


def test_only_a_directory_with_other_files_is_foreign(tmp_path: Path) -> None:
    def holding(name: str, *files: str) -> bool:
        for file in files:
            (tmp_path / name / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name / file).touch()
        return is_foreign(tmp_path / name)

    assert holding("other", "measured.csv", "raw/a.csv")
    assert not holding("missing")
    assert not holding("hidden", ".gitignore")
    assert not holding("used", ".locks/web.lock", "notes.txt")
    assert not holding("copied", "web/history.jsonl", "notes.txt")
