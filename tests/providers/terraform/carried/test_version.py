"""Versions of a state as they are stored, with and without a key."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.tofu.carried.keys import StateKeys, key_name
from environments.providers.terraform.tofu.carried.version import FORMAT, Version, pack
from environments.secrets.references import SecretRef
from tests.providers.terraform.carried.test_choice import state

STATE = state(names=("one", "password-of-the-database"))
ONE, TWO = bytes(range(32)), bytes(range(32, 64))


def stored(*keys: bytes) -> bytes:
    return pack(STATE, StateKeys(keys), by="here", at_work=True)


def written(*keys: bytes) -> str:
    return "\n".join(base64.b64encode(key).decode() for key in keys)


def test_a_version_gives_back_the_state() -> None:
    version = Version.parse(stored())

    assert version.state(StateKeys()) == STATE
    header = version.header
    assert (header.by, header.lineage, header.serial, header.at_work) == ("here", "ours", 5, True)


def test_a_state_elsewhere_is_only_noted() -> None:
    version = Version.parse(pack(None, StateKeys((ONE,)), by="here", at_work=False))

    assert (version.header.kept, version.header.key, version.body) == (False, None, b"")


def test_an_encrypted_state_can_be_read_with_its_key_only() -> None:
    sealed = stored(ONE)

    assert b"password-of-the-database" not in sealed
    assert Version.parse(sealed).state(StateKeys((ONE,))) == STATE
    with pytest.raises(StepFailed, match=f"{key_name(ONE)}, and the spec has no state_key"):
        Version.parse(sealed).state(StateKeys())
    with pytest.raises(StepFailed, match=f"state_key holds {key_name(TWO)}: after a change") as caught:
        Version.parse(sealed).state(StateKeys((TWO,)))
    assert caught.value.cause is FailureCause.CONFIGURATION


def test_a_new_key_is_put_before_the_earlier_one() -> None:
    assert Version.parse(stored(ONE)).state(StateKeys((TWO, ONE))) == STATE
    assert Version.parse(stored(TWO, ONE)).header.key == key_name(TWO)


@pytest.mark.parametrize("part", ["header", "state"])
def test_an_altered_version_is_refused(part: str) -> None:
    sealed = stored(ONE)
    if part == "header":
        altered = sealed.replace(b'"serial":5', b'"serial":6')
    else:
        altered = sealed[:-1] + bytes([sealed[-1] ^ 1])

    with pytest.raises(StepFailed, match="was altered"):
        Version.parse(altered).state(StateKeys((ONE,)))


@pytest.mark.parametrize(
    "damaged",
    [b"", b"{}\n", b"no header\n...", stored()[:-9]],
    ids=["nothing", "no facts", "no header", "cut short"],
)
def test_a_damaged_version_is_refused(damaged: bytes) -> None:
    with pytest.raises(StepFailed, match="is damaged: put the store back from a backup"):
        Version.parse(damaged).state(StateKeys())


def test_a_version_of_a_later_program_is_refused() -> None:
    version = Version.parse(stored())
    later = replace(version, header=version.header.model_copy(update={"format": FORMAT + 1}))

    with pytest.raises(StepFailed, match="stored by a later version of envchart: update this one"):
        Version.parse(later.header.model_dump_json().encode() + b"\n" + later.body)


def test_keys_are_read_where_the_spec_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_KEY", written(ONE, TWO))

    assert StateKeys.of(SecretRef(env="STATE_KEY")).keys == (ONE, TWO)
    assert StateKeys.of(None).keys == ()


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (None, "state_key: the environment variable STATE_KEY, which holds a secret, is not"),
        (" ", "state_key: the secret is empty"),
        ("hunter2", "state_key: key 1 of the secret is not 32 bytes in base64"),
        (f"{written(ONE)} {written(ONE[:16])}", "state_key: key 2 of the secret is not 32 bytes"),
    ],
    ids=["missing", "empty", "another secret", "too short"],
)
def test_a_key_that_is_none_is_refused_without_its_text(
    monkeypatch: pytest.MonkeyPatch, secret: str | None, problem: str
) -> None:
    monkeypatch.delenv("STATE_KEY", raising=False)
    if secret is not None:
        monkeypatch.setenv("STATE_KEY", secret)

    with pytest.raises(StepFailed, match=problem) as caught:
        StateKeys.of(SecretRef(env="STATE_KEY"))

    assert "hunter2" not in str(caught.value)
