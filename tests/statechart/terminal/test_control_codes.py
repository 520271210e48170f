from __future__ import annotations

import pytest

from statechart.terminal.control_codes import strip_control_codes

EVERY_CONTROL = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]


@pytest.mark.parametrize(
    ("text", "stripped"),
    [
        ("plain ü 漢\n\tindented", "plain ü 漢\n\tindented"),
        ("a\x1bcb", "ab"),
        ("a\x9b2Jb", "ab"),
        ("a\x1b[2Jb\x1b[1;31mc\x1b[0m", "abc"),
        ("a\x1b[?25lb\x1b[0 qc", "abc"),
        ("a\x1b[31", "a"),
        ("a\x9b31\nb", "a\nb"),
        ("a\x1b(Bb\x1b#8c\x1b7d", "abcd"),
        ("a\x1b\nb", "a\nb"),
        ("a\x1b", "a"),
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x9d0;title\x9cb", "ab"),
        ("\x1b]8;;http://host\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x1b]0;title", "a0;title"),
        ("a\x1b]0;title\nb", "a0;title\nb"),
        ("a\x1bPq#0\x1b\\b\x90q#0\x9cc", "abc"),
        ("a\x1bPq\nb", "aq\nb"),
        ("a\x1b_x\x1b\\b\x1b^x\x1b\\c\x1bXx\x1b\\d", "abcd"),
        ("pass\bword", "password"),
        ("10 %\r20 %\r\n", "10 %20 %\n"),
        ("a\x7fb\x00c\x07d\x85e\x0bf\x0cg", "abcdefg"),
        ("a\u202eb\u202cc\u2066d\u2069 שלום\u200f", "abcd שלום\u200f"),
        ("a\x1b\x1b[2Jb", "ab"),
        ("a\x1b\x1b[2J[2Jb", "a[2Jb"),
    ],
)
def test_control_codes_go_and_text_stays(text: str, stripped: str) -> None:
    assert strip_control_codes(text) == stripped


@pytest.mark.parametrize("before", ["", "\x1b", "\x1b[", "\x9b", "\x1b]", "\x9d", "\x1bP", "\x1b("])
@pytest.mark.parametrize("control", EVERY_CONTROL, ids=lambda control: f"{ord(control):#04x}")
def test_no_combination_leaves_a_control_character(before: str, control: str) -> None:
    stripped = strip_control_codes(f"{before}{control}0;x{control}")

    assert not set(stripped) & set(EVERY_CONTROL)


@pytest.mark.parametrize("opening", ["\x9d", "\x1b]", "\x1b[", "\x1b", "\x90a", "\x9b1"])
def test_a_long_hostile_text_takes_no_longer_than_its_length(opening: str) -> None:
    text = opening * 200_000

    assert not set(strip_control_codes(text)) & set(EVERY_CONTROL)
