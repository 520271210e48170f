"""`verify`: the check of histories."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from environments.testing import ScriptedProvider


@pytest.fixture
def provisioned(cli: Any, created: Any, scripted_provider: ScriptedProvider) -> str:
    assert cli("provision", "demo").code == 0
    return "demo"


def test_a_sound_history_is_reported_as_sound(cli: Any, provisioned: str) -> None:
    ran = cli("verify", "demo")

    assert (ran.code, ran.out) == (
        0,
        "demo: 7 records, 2 transitions, all sound and allowed by today's chart\n",
    )
    assert cli("verify").out == cli("verify", "--all").out == ran.out
    assert cli("verify", "--json").document["sound"] is True


def test_damage_is_found_and_the_other_environments_are_still_verified(
    cli: Any, provisioned: str, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.py").touch()
    cli("create", "whole", "--app", "app")
    journal = data / "demo" / "history.jsonl"
    journal.write_text(journal.read_text().replace("first_provision", "other_provision", 1))

    ran = cli("verify")

    assert ran.code == 8
    assert "demo: the history of 'demo' is damaged" in ran.out
    assert "whole: 1 record, 0 transitions, all sound" in ran.out
    assert "next, for demo: envchart recover demo --rebase" in ran.err
    document = json.loads(cli("verify", "demo", "--json").out)
    assert (document["sound"], document["environments"][0]["findings"][0]["seq"]) == (False, None)


@pytest.mark.parametrize(("words", "code"), [(("nothing",), 3), (("demo", "--all"), 2)])
def test_a_missing_environment_and_contradicting_options_are_refused(
    cli: Any, provisioned: str, words: tuple[str, ...], code: int
) -> None:
    assert cli("verify", *words).code == code


def test_without_environments_verify_succeeds(cli: Any) -> None:
    assert (cli("verify").code, cli("verify").out) == (0, "no environments\n")
