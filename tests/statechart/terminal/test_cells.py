"""The width of text in a terminal."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from statechart.terminal.cells import cut, padded, width_of, wrapped

TEXTS = st.text(alphabet="ab ,:日😀é\u0301", max_size=40)


def test_wide_characters_take_two_columns_and_marks_none() -> None:
    assert [width_of(text) for text in ("web", "größe", "日本", "e\u0301", "😀", "")] == [3, 5, 4, 1, 2, 0]
    assert padded("日本", 6) == "日本  "


def test_a_text_is_cut_between_words() -> None:
    assert cut("run failed: no route", 20) == "run failed: no route"
    assert cut("run failed: no route", 19) == "run failed: no…"
    assert cut("run failed: no route", 12) == "run failed…"
    assert cut("run failed: no route", 4) == "run…"
    assert cut("run failed: no route", 3) == ""


def test_a_text_is_wrapped_with_a_hanging_indent() -> None:
    assert wrapped("30: 22 running, 5 failed", 12) == ["30: 22", "  running, 5", "  failed"]
    assert wrapped("30: 22 running, 5 failed", 40) == ["30: 22 running, 5 failed"]


@settings(max_examples=50, deadline=None)
@given(TEXTS, st.integers(0, 20))
def test_a_cut_text_fits_and_ends_in_a_whole_word(text: str, columns: int) -> None:
    found = cut(text, columns)

    assert width_of(found) <= columns
    if found != text:
        words = found.removesuffix("…").split(" ")
        whole = [word.rstrip(",;:") for word in text.split(" ")[: len(words)]]
        assert [word.rstrip(",;:") for word in words] == whole or not found
