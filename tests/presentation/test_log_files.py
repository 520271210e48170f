"""The ends of log files: read from the end, however long the log is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from environments.model.environment import Environment
from environments.model.spec import EnvironmentSpec
from environments.presentation.log_files import last_words, tail
from environments.providers.local import LocalProvider

LONG = "".join(f"{number} ü\n" for number in range(30_000))


@pytest.mark.parametrize(
    "text", ["", "\n", "one", "one\n", "one\n\ntwo", LONG, f"{LONG}\n\n", f"{LONG}rest"]
)
@pytest.mark.parametrize("count", [0, 1, 2, 20_000, 10**9])
def test_the_last_lines_are_those_of_the_whole_file(tmp_path: Path, text: str, count: int) -> None:
    log = tmp_path / "web" / "service.log"
    log.parent.mkdir()
    log.write_text(text)
    whole = text.removesuffix("\n").split("\n") if text else []

    lines, size = tail([log, tmp_path / "web" / "gone.log"], count, log.parent)

    assert lines == whole[len(whole) - count if count < len(whole) else 0 :]
    assert size == len(text.encode())


def test_the_lines_before_the_last_are_not_read(tmp_path: Path) -> None:
    log = tmp_path / "web" / "service.log"
    log.parent.mkdir()
    with log.open("w") as file:
        file.truncate(2**40)  # a hole: reading it would take all memory
        file.seek(0, 2)
        file.write("\nlast\n")

    assert tail([log], 1, log.parent) == (["last"], 2**40 + 6)


def test_a_log_is_read_up_to_a_limit_without_half_a_line(tmp_path: Path) -> None:
    log = tmp_path / "web" / "service.log"
    log.parent.mkdir()
    log.write_text("first\n" + "x" * 200_000 + "\nbefore\nlast\n")

    def ended(count: int, limit: int | None) -> list[str]:
        return tail([log], count, log.parent, limit)[0]

    assert ended(1, 100) == ["last"]
    assert ended(50, 100) == ["before", "last"]
    assert ended(50, 5) == ended(50, 3) == []
    assert [len(line) for line in ended(50, 200_010)] == [6, 4]
    assert [len(line) for line in ended(50, None)] == [5, 200_000, 6, 4]


def test_the_last_words_of_a_log_without_an_end_of_a_line_are_not_looked_for_in_all_of_it(
    tmp_path: Path,
) -> None:
    spec = EnvironmentSpec(name="web", provider=LocalProvider(app=tmp_path))
    environment = Environment.new(spec, datetime.now(UTC))
    log = tmp_path / "web" / "local" / "service.log"
    log.parent.mkdir(parents=True)
    with log.open("w") as file:
        file.truncate(2**40)  # a hole: reading it would take all memory

    assert last_words(environment, tmp_path / "web") == {}
    log.write_text("first\nlast\n")
    assert last_words(environment, tmp_path / "web") == {"the service's log": ("first", "last")}
