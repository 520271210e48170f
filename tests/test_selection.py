"""Selections: which environments of a data directory are meant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from environments.errors import InvalidSelection, NothingMatches, UnknownLabel
from environments.model.condition import Attempt
from environments.selection import STATES, LabelTerm, Selection, is_expired

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Line:
    name: str
    state_name: str = "running"
    labels: dict[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    is_error: bool = False
    active: bool = False

    @property
    def state(self) -> Any:
        return SimpleNamespace(name=self.state_name)

    @property
    def stored_operation(self) -> Attempt | None:
        operation: Any = SimpleNamespace(is_active=True) if self.active else None
        return operation


WEB = Line("web", labels={"team": "web", "branch": "main"})
API = Line("api", "run_failed", {"team": "api"}, is_error=True)
PR_1 = Line("pr-1", "released", {"team": "web", "branch": "feature/x"}, NOW, active=True)
PR_2 = Line("pr-2", "provisioning", {"branch": ""}, NOW + timedelta(1), active=True)
GONE = Line("pr-3", "destroyed", {}, NOW - timedelta(1))
ALL = [WEB, API, PR_1, PR_2, GONE]


def chosen(*patterns: str, **conditions: Any) -> str:
    selection = Selection.read(patterns, **conditions)
    return " ".join(each.name for each in selection.select(ALL, NOW, lambda name: name == "pr-2"))


def test_an_environment_is_meant_if_it_fulfils_each_condition() -> None:
    assert chosen() == chosen(all=True) == chosen("*") == "web api pr-1 pr-2 pr-3"
    assert chosen("web", "pr-[12]") == "web pr-1 pr-2"
    assert chosen(labels=["team=web"]) == chosen(labels=["team==web"]) == "web pr-1"
    assert (
        chosen(labels=["team = web , branch = feature*"]) == chosen("pr-*", labels=["team=web"]) == "pr-1"
    )
    assert chosen(labels=["team!=web"]) == "api pr-2 pr-3"
    assert chosen(labels=["branch"]) == "web pr-1 pr-2"
    assert chosen(labels=["!branch", "team"]) == "api"
    assert chosen(labels=["branch="]) == "pr-2"
    assert chosen(states=["running,run_failed"]) == "web api"
    assert chosen(states=["under-way"]) == "pr-2"
    assert chosen(states=["interrupted", "failed"]) == chosen(failed=True) == "api pr-1"
    assert chosen(expired=True) == "pr-1"


def test_a_string_is_one_word() -> None:
    words = Selection.read("web", labels="team=web", states="running")
    assert words == Selection.read(["web"], labels=["team=web"], states=["running"])


def test_a_destroyed_environment_does_not_expire() -> None:
    assert [each.name for each in ALL if is_expired(each, NOW + timedelta(2))] == ["pr-1", "pr-2"]


def test_a_selection_knows_whether_anything_was_said() -> None:
    assert Selection.read().is_empty
    assert not any(each.is_empty for each in (Selection.read("a"), Selection.read(all=True)))
    assert Selection.read(["web", "api"]).is_by_name
    for other in (["web", "pr-*"], []):
        assert not Selection.read(other).is_by_name
    assert not Selection.read(["web"], failed=True).is_by_name


MISSPELT: list[tuple[dict[str, list[str]], type[Exception], str]] = [
    (
        {"patterns": ["wbe", "pr-9*"]},
        NothingMatches,
        "no environment matches 'wbe', 'pr-9*'; did you mean 'web'?",
    ),
    ({"patterns": ["zzz*"]}, NothingMatches, "no environment matches 'zzz*'"),
    ({"labels": ["tema!=web"]}, UnknownLabel, "no environment has the label 'tema'; did you mean 'team'?"),
    ({"labels": ["zone"]}, UnknownLabel, "no environment has the label 'zone'; there are branch, team"),
    ({"labels": ["=web"]}, InvalidSelection, "the label '=web': its key is empty; write team=web"),
    ({"labels": ["a,,b"]}, InvalidSelection, "the label '': its key is empty"),
    ({"states": ["runing"]}, InvalidSelection, "there is no state 'runing'; did you mean 'running'?"),
    ({"states": ["zzz"]}, InvalidSelection, f"there is no state 'zzz'; there are {', '.join(STATES)}"),
]


def test_a_misspelt_selection_is_refused_and_the_nearest_word_named() -> None:
    for words, error, message in MISSPELT:
        with pytest.raises(error) as raised:
            chosen(*words.pop("patterns", ()), **words)
        assert str(raised.value).startswith(message)


def test_a_label_without_the_key_differs_from_each_value() -> None:
    assert LabelTerm("team", "web", negated=True).matches({})
    assert not LabelTerm("team", "web").matches({})
    assert LabelTerm("team", negated=True).matches({})
