"""Changes of a declaration in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from environments.checks.changes import changes, fields_of, text_change, without
from environments.providers.local import LocalProvider
from environments.secrets.references import SecretRef

LONG = "a value of many words that nobody wants to read in a line of a plan"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ({}, {"env": {"A": "1"}}, "env.A: unset → 1"),
        ({"env": {"A": "1"}}, {"env": {"A": ""}}, "env.A: 1 → (empty)"),
        ({"env": {"API_KEY": "$X"}}, {"env": {"API_KEY": "seven"}}, "env.API_KEY differs"),
        (
            {"env": {"A": SecretRef(env="OLD")}},
            {"env": {"A": SecretRef(file="/new")}},
            "env.A: @env:OLD → @file:/new",
        ),
        ({"port": 8080}, {"port": None}, "port: 8080 → unset"),
        ({"command": ("a",)}, {"command": ("a", "b")}, "command: a → a b"),
        ({"start_timeout": timedelta(seconds=1)}, {}, "start_timeout: 1 s → 10 s"),
        ({"env": {"A": "1"}}, {"env": {"A": LONG}}, "env.A: 1 → a value of many words that nobody…"),
        (
            {"files": {"a.ini": "level = 1\n"}},
            {"files": {"a.ini": "level = 2\n"}},
            "a.ini differs (level: 1 → 2)",
        ),
        ({"files": {"a.ini": "x"}}, {}, "a.ini is no longer declared"),
        ({}, {"files": {"a.ini": "x"}}, "a.ini is new"),
    ],
)
def test_a_change_is_told_in_a_line(before: dict[str, Any], after: dict[str, Any], line: str) -> None:
    old, new = LocalProvider(app="/app", **before), LocalProvider(app="/app", **after)

    (change,) = changes(old, new)

    assert str(change) == line
    assert LocalProvider.model_validate(without(fields_of(new), change)) == old


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("a: 1\nb: 2\n", "a: 1\nb: 3\n", "b: 2 → 3"),
        ("password = one", "password = two", "password"),
        ("one", "two", "one → two"),
        ("a\nb\nc", "a\nx\ny\nz", "3 lines differ"),
        ("a\n", "a\nb\n", "1 line differs"),
        ("a\r\n", "a\n", "only in the ends of its lines"),
        ("a: 1", "b: 1", "a: 1 → b: 1"),
    ],
)
def test_a_text_is_compared_line_by_line(before: str, after: str, words: str) -> None:
    assert text_change(before, after) == words
