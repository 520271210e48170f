"""Note a program's promises about the disk in a recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from statechart.errors import CommitUncertain, StorageError
from statechart.storage import directories, rebase
from statechart.storage.journal import Journal
from statechart.storage.repository import JsonFileRepository
from statechart.storage.session import Session
from tests.crash.disk_operations import Mark
from tests.crash.recorded import Recorder

Promises: TypeAlias = dict[str, frozenset[str | None]]
"""The heads that each name may have; None stands for a name that is not there."""


def head_of(journal: bytes) -> str:
    """Return the hash of the last whole line of a journal."""
    lines = journal.splitlines(keepends=True)
    while lines:
        line = lines.pop()
        try:
            json.loads(line)
        except ValueError:
            continue
        if line.endswith(b"\n"):
            return sha256(line).hexdigest()
    return "nothing"


def promised(promises: Promises, mark: Mark) -> Promises:
    """Return the promises after another statement."""
    may_be = promises.get(mark.name, frozenset([None]))
    match mark.said:
        case "tries":
            may_be |= {mark.head}
        case "promises":
            may_be = frozenset([mark.head])
        case "takes back":
            may_be -= {mark.head}
        case said:
            raise AssertionError(said)
    return {**promises, mark.name: may_be}


@contextmanager
def noted(recorder: Recorder) -> Iterator[Recorder]:
    """Note the storage's attempts and promises in a recording."""
    with recorder, pytest.MonkeyPatch.context() as patch:
        for owner, name, noting in (
            (Journal, "append", _noting_append),
            (Journal, "begin", _noting_append),
            (Session, "commit", _noting_change),
            (Session, "append", _noting_change),
            (directories, "build", _noting_build),
            (directories, "discard", _noting_discard),
            (JsonFileRepository, "create", _noting_create),
            (JsonFileRepository, "open", _noting_open),
            (JsonFileRepository, "delete", _noting_delete),
            (rebase, "replace_file", _noting_rebase),
            (JsonFileRepository, "rebase", _noting_rebased),
        ):
            patch.setattr(owner, name, noting(recorder, getattr(owner, name)))
        yield recorder


Call: TypeAlias = Callable[..., Any]


def _promise(recorder: Recorder, name: str, head: str, value: Any) -> None:
    recorder.recording.values[head] = value.model_dump_json()
    recorder.mark("promises", name, head)


def _noting_append(recorder: Recorder, call: Call) -> Call:
    def append(journal: Any, line: Any, *ended: str) -> None:
        recorder.mark("tries", journal._name, line.head.hash)
        try:
            call(journal, line, *ended)
        except CommitUncertain:
            raise
        except StorageError:
            recorder.mark("takes back", journal._name, line.head.hash)
            raise

    return append


def _noting_change(recorder: Recorder, call: Call) -> Call:
    def change(session: Any, *arguments: Any, **options: Any) -> Any:
        record = call(session, *arguments, **options)
        _promise(recorder, session.name, session.head.hash, session.value)
        return record

    return change


def _noting_open(recorder: Recorder, call: Call) -> Call:
    def open(*arguments: Any, **options: Any) -> Any:
        session = call(*arguments, **options)
        _promise(recorder, session.name, session.head.hash, session.value)  # it was shown to somebody
        return session

    return open


def _noting_build(recorder: Recorder, call: Call) -> Call:
    def build(layout: Any, name: str, files: Any) -> None:
        recorder.mark("tries", name, head_of(files["history.jsonl"]))
        call(layout, name, files)

    return build


def _noting_create(recorder: Recorder, call: Call) -> Call:
    def create(repository: Any, name: str, *arguments: Any, **options: Any) -> Any:
        loaded = call(repository, name, *arguments, **options)
        _promise(recorder, name, loaded.head.hash, loaded.value)
        return loaded

    return create


def _noting_discard(recorder: Recorder, call: Call) -> Call:
    def discard(layout: Any, name: str) -> None:
        recorder.mark("tries", name, None)
        call(layout, name)

    return discard


def _noting_delete(recorder: Recorder, call: Call) -> Call:
    def delete(repository: Any, name: str, **options: Any) -> None:
        call(repository, name, **options)
        recorder.mark("promises", name, None)

    return delete


def _noting_rebase(recorder: Recorder, call: Call) -> Call:
    def replace(path: Path, content: bytes, **options: Any) -> None:
        if path.name == "history.jsonl":
            recorder.mark("tries", path.parent.name, head_of(content))
        call(path, content, **options)

    return replace


def _noting_rebased(recorder: Recorder, call: Call) -> Call:
    def rebased(repository: Any, evidence: Any, *arguments: Any, **options: Any) -> Any:
        loaded = call(repository, evidence, *arguments, **options)
        _promise(recorder, evidence.name, loaded.head.hash, loaded.value)
        return loaded

    return rebased
