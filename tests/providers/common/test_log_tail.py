from __future__ import annotations

from pathlib import Path

import pytest

from environments.providers.common.log_tail import last_word, tail


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "service.log"


def test_the_tail_holds_the_lines_since_an_offset(log: Path) -> None:
    log.write_bytes(b"before\nafter \xff\n")

    assert tail(log, 7, str) == "after \ufffd"


def test_the_tail_of_a_log_that_was_replaced_begins_at_its_start(log: Path) -> None:
    log.write_text("before\nafter\n")

    assert tail(log, 1000, str) == "before\nafter"


def test_a_missing_log_has_an_empty_tail(log: Path) -> None:
    assert tail(log, 0, str) == ""


def test_the_tail_holds_no_control_codes(log: Path) -> None:
    log.write_text("\x1b[1ma\x1b[0m\x07\x9b2Jb\x1bc\tc\x1b]0;title\n\x1b]0;x\x07d\x85e\r\n")

    assert tail(log, 0, str) == "ab\tc0;title\nde"


def test_a_colour_within_a_secret_does_not_hide_it(log: Path) -> None:
    log.write_text("hun\x1b[1mter2\n")

    assert tail(log, 0, lambda text: text.replace("hunter2", "***")) == "***"


def test_a_long_tail_begins_with_a_whole_line(log: Path) -> None:
    log.write_text("x" * 40_000 + "half a secret\nwhole\n")

    assert tail(log, 0, str) == "whole"


def test_a_log_of_one_long_line_has_a_tail(log: Path) -> None:
    log.write_text("x" * 100_000 + " whole\n")
    assert tail(log, 0, str).endswith("x whole")

    log.write_text("x" * 2_000_000 + "\n")
    assert tail(log, 0, str) == "(a line of more than 1,048,576 bytes)"


def test_the_last_word_is_the_last_line_with_text() -> None:
    assert last_word("one\n two \n\n") == "two"
    assert last_word("\n") == ""
    assert len(last_word("x" * 1000)) == 200
