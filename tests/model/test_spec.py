from __future__ import annotations

import copy
import pickle
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given, settings, strategies as st
from pydantic import ValidationError

from environments.configuration.messages import describe_faults
from environments.errors import InvalidConfiguration, InvalidName, UnknownProvider
from environments.model import provider_kinds as kinds
from environments.model.names import check_name
from environments.model.provider_kinds import (
    ProviderSpec,
    provider_class,
    provider_kinds,
    register_provider,
)
from environments.model.spec import EnvironmentSpec
from environments.providers.local import LocalProvider
from environments.secrets.references import SecretRef
from environments.testing import ScriptedSpec


class Rented(ProviderSpec, frozen=True, extra="forbid"):
    kind: Literal["rented"] = "rented"
    region: str


VALID = re.compile(r"[a-z](-?[a-z0-9])*")
RULES = {
    "": "is empty",
    "Demo": "may contain only a-z, 0-9 and '-'",
    "my demo": "may contain only a-z, 0-9 and '-'",
    "demo\n": "may contain only a-z, 0-9 and '-'",
    "\n": "may contain only a-z, 0-9 and '-'",
    "démo": "may contain only a-z, 0-9 and '-'",
    "../demo": "may contain only a-z, 0-9 and '-'",
    "demo\0": "may contain only a-z, 0-9 and '-'",
    "1demo": "must start with a letter",
    "-demo": "must start with a letter",
    "demo-": "must not end with '-'",
    "my--demo": "must not contain '--'",
    "d" * 41: "is longer than 40 characters",
}
SUGGESTIONS = {
    "": "demo",
    "Demo": "demo",
    "My Demo": "my-demo",
    "1demo": "env-1demo",
    "demo-": "demo",
    "my--demo": "my-demo",
    "日本": "demo",
}
DEMO = {"name": "demo", "provider": {"kind": "scripted"}}


@pytest.mark.parametrize(("name", "rule"), RULES.items())
def test_a_name_that_breaks_a_rule_is_refused_and_the_rule_named(name: str, rule: str) -> None:
    with pytest.raises(InvalidName) as raised:
        check_name(name)

    assert (raised.value.name, raised.value.rule) == (name, rule)
    assert (
        str(raised.value)
        == f"invalid environment name {name!r}: it {rule}; try {raised.value.suggestion!r}"
    )


@pytest.mark.parametrize(("name", "suggestion"), SUGGESTIONS.items())
def test_a_suggested_name_resembles_the_refused_name(name: str, suggestion: str) -> None:
    with pytest.raises(InvalidName) as raised:
        check_name(name)

    assert raised.value.suggestion == suggestion


@pytest.mark.parametrize("name", ["a", "d" * 40, "a1", "my-demo", "a-1-b", "logs"])
def test_a_valid_name_is_kept_unchanged(name: str) -> None:
    assert check_name(name) == name
    assert EnvironmentSpec.model_validate({**DEMO, "name": name}).name == name


@settings(deadline=None)
@given(
    st.one_of(st.text(), st.text(alphabet="abA01-_ \n", max_size=60), st.from_regex(VALID, fullmatch=True))
)
@example("a" * 39 + "-b")
@example("-" * 50)
@example("1" * 50)
@example("İ" * 40)
def test_every_invalid_name_is_refused_with_a_valid_suggestion(text: str) -> None:
    fits = VALID.fullmatch(text) is not None and len(text) <= 40

    if fits:
        assert check_name(text) == text
        return
    with pytest.raises(InvalidName) as raised:
        check_name(text)
    assert check_name(raised.value.suggestion) == raised.value.suggestion


def test_an_invalid_name_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(InvalidName("Demo", "is shouted", "demo")))

    assert (error.name, error.rule, error.suggestion) == ("Demo", "is shouted", "demo")
    assert str(error) == "invalid environment name 'Demo': it is shouted; try 'demo'"


@pytest.mark.parametrize("name", RULES)
def test_an_invalid_name_in_json_is_the_only_reported_error(name: str) -> None:
    with pytest.raises(ValidationError) as raised:
        EnvironmentSpec.model_validate({**DEMO, "name": name})

    assert [error["loc"] for error in raised.value.errors()] == [("name",)]
    assert RULES[name] in str(raised.value)


def test_the_instance_name_follows_the_name() -> None:
    assert EnvironmentSpec.model_validate(DEMO).instance_name == "envchart-demo"
    assert EnvironmentSpec.model_validate({**DEMO, "instance_name": ""}).instance_name == "envchart-demo"
    assert EnvironmentSpec(name="d" * 40, provider=ScriptedSpec()).instance_name == f"envchart-{'d' * 40}"


@pytest.mark.parametrize("instance_name", ["i", "i" * 63, "my-instance-1"])
def test_a_given_instance_name_is_kept(instance_name: str) -> None:
    assert (
        EnvironmentSpec.model_validate({**DEMO, "instance_name": instance_name}).instance_name
        == instance_name
    )


@pytest.mark.parametrize("instance_name", ["i" * 64, "Instance", "1i", "-i", "i-", "i i", "i\n"])
def test_an_invalid_host_name_is_refused_as_an_instance_name(instance_name: str) -> None:
    with pytest.raises(
        ValidationError, match=r"instance_name\n  (String should have|Value error, may contain)"
    ):
        EnvironmentSpec.model_validate({**DEMO, "instance_name": instance_name})


@pytest.mark.parametrize(
    "provider",
    [
        ScriptedSpec(),
        LocalProvider(app=Path("/srv/hello")),
        LocalProvider(
            app=Path("/srv/hello"),
            port=8000,
            env={
                "GREETING": "hello",
                "TOKEN": SecretRef(env="TOKEN"),
                "KEY": SecretRef(file=Path("/run/key")),
            },
            files={"app/settings.toml": "debug = false"},
            pinned_release="0123456789ab",
        ),
    ],
)
def test_nothing_of_a_spec_is_lost_by_copying(provider: ProviderSpec) -> None:
    spec = EnvironmentSpec(
        name="demo", provider=provider, instance_name="mine", description="for the manual"
    )

    copies = [
        spec.model_copy(),
        copy.deepcopy(spec),
        pickle.loads(pickle.dumps(spec)),
        EnvironmentSpec.model_validate(spec.model_dump()),
        EnvironmentSpec.model_validate_json(spec.model_dump_json()),
    ]
    assert all(again == spec and type(again.provider) is type(provider) for again in copies)


def test_the_kind_selects_the_provider() -> None:
    spec = EnvironmentSpec.model_validate(
        {"name": "demo", "provider": {"kind": "local", "app": "/srv/hello"}}
    )

    assert spec.provider == LocalProvider(app=Path("/srv/hello"))
    assert provider_class("local") is LocalProvider


def test_a_kind_that_is_misspelt_is_refused_and_the_nearest_is_named() -> None:
    with pytest.raises(
        ValidationError, match=r"provider\n.*no provider of kind 'locl': did you mean 'local'"
    ):
        EnvironmentSpec.model_validate({"name": "demo", "provider": {"kind": "locl"}})


def test_an_unknown_kind_is_refused_and_all_kinds_are_named() -> None:
    with pytest.raises(UnknownProvider, match=r"kind 'cloud': installed are .*local.*scripted") as raised:
        provider_class("cloud")

    assert raised.value.kind == "cloud"
    assert {"local", "scripted"} <= set(raised.value.known)


def test_a_provider_without_a_kind_is_refused_and_only_the_kind_reported() -> None:
    with pytest.raises(ValidationError, match=r"'kind' is missing; the kinds are .*local") as raised:
        EnvironmentSpec.model_validate({"name": "demo", "provider": {"app": "/srv/hello"}})

    assert raised.value.error_count() == 1


def test_errors_in_a_provider_name_their_fields() -> None:
    with pytest.raises(ValidationError) as raised:
        EnvironmentSpec.model_validate({"name": "demo", "provider": {"kind": "local", "ap": "/srv/hello"}})

    assert [error["loc"] for error in raised.value.errors()] == [("provider", "app"), ("provider", "ap")]


@pytest.mark.parametrize("provider", ["local", 7, None, ["local"]])
def test_invalid_data_of_a_provider_are_refused(provider: object) -> None:
    with pytest.raises(ValidationError, match="provider\n  Input should be"):
        EnvironmentSpec.model_validate({"name": "demo", "provider": provider})


def test_another_package_adds_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_registered", dict(kinds._registered))  # it ends with the test

    register_provider("rented", f"{__name__}:Rented")

    assert provider_kinds()["rented"] == f"{__name__}:Rented"
    spec = EnvironmentSpec.model_validate(
        {"name": "demo", "provider": {"kind": "rented", "region": "north"}}
    )
    assert spec.provider == Rented(region="north")
    assert EnvironmentSpec.model_validate_json(spec.model_dump_json()) == spec
    with pytest.raises(UnknownProvider, match="did you mean 'rented'"):
        provider_class("rentd")


def test_an_unknown_field_of_a_spec_is_refused_and_named() -> None:
    with pytest.raises(ValidationError, match="nmae\n  Extra inputs are not permitted"):
        EnvironmentSpec.model_validate({**DEMO, "nmae": "demo"})


@pytest.mark.parametrize(
    ("new", "fields"),
    [
        (LocalProvider(app=Path("/srv/hello")), ()),
        (LocalProvider(app=Path("/srv/other"), env={"A": "1"}, health="/up"), ()),
        (LocalProvider(app=Path("/srv/hello"), port=8000), ("port",)),
        (ScriptedSpec(), ("kind",)),
    ],
)
def test_a_change_that_only_provisioning_can_apply_is_named(
    new: ProviderSpec, fields: tuple[str, ...]
) -> None:
    assert LocalProvider(app=Path("/srv/hello")).needs_provision(new) == fields


def test_a_provider_without_releases_refuses_to_choose_a_release() -> None:
    with pytest.raises(
        InvalidConfiguration, match="provider scripted can't be used: releases can't be chosen"
    ):
        ScriptedSpec().for_release(release="0123456789ab")


def test_a_release_is_chosen_by_another_app_or_by_an_earlier_release() -> None:
    provider = LocalProvider(app=Path("/srv/hello"))

    earlier = provider.for_release(release="0123456789ab")
    other = earlier.for_release(app=Path("other"))

    assert earlier == LocalProvider(app=Path("/srv/hello"), pinned_release="0123456789ab")
    assert other == LocalProvider(app=Path("other").absolute())


def test_a_spec_never_changes() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        EnvironmentSpec.model_validate(DEMO).description = "other"  # type: ignore[misc]


def test_a_name_of_any_length_is_refused_in_a_short_message() -> None:
    assert len(str(InvalidName("x" * 1_000_000, "is too long", "x"))) < 200


READ_AS = {
    "8h": timedelta(hours=8),
    "30m": timedelta(minutes=30),
    "10min": timedelta(minutes=10),
    "7d": timedelta(days=7),
    "2w": timedelta(weeks=2),
    "1d 1.5h": timedelta(hours=25.5),
    "PT8H": timedelta(hours=8),
    "2 days 90 minutes": timedelta(days=2, minutes=90),
    "P1Y1DT1M": timedelta(days=366, minutes=1),
    90: timedelta(seconds=90),
    "2030-01-31T18:00+02:00": datetime(2030, 1, 31, 16, tzinfo=UTC),
    date(2030, 1, 31): datetime(2030, 1, 31, tzinfo=UTC),
}
REFUSED = {
    "0s": "expires: is in the past",
    "-8h": "expires: is in the past",
    0: "expires: is in the past",
    "8": "expires: lacks a unit: write 8h for hours",
    "2030-01-31T18:00": "expires: lacks a time zone: write 2030-01-31T18:00:00Z for UTC",
    "soon": "expires: should be a duration like 8h",
    "P1M": "expires: should be a duration like 8h",
    True: "expires: should be a duration like 8h",
    float("nan"): "expires: should be a duration like 8h",
    "37000d": "expires: is longer than 100 years",
    "9999999999999d": "expires: is too far away",
    "9999-12-31T23:00-05:00": "expires: is too far away",
}
MISLABELLED = {
    "": "labels: the key '' is empty",
    "-team": "labels: the key '-team' must begin with a letter or a digit",
    "team.": "labels: the key 'team.' must end with a letter or a digit",
    "my team": "labels: the key 'my team' may contain only letters, digits, '-', '_', '.' and '/'",
    "t" * 64: f"labels: the key '{'t' * 40}…' is longer than 63 characters",
}


def test_an_expiry_is_a_duration_or_a_moment_and_is_stored_as_it_was_read() -> None:
    for given_, read in READ_AS.items():
        spec = EnvironmentSpec.model_validate({**DEMO, "expires": given_})
        assert spec.expires == read
        assert EnvironmentSpec.model_validate_json(spec.model_dump_json()) == spec


def test_an_expiry_that_is_none_or_past_is_refused_with_its_reason() -> None:
    for given_, reason in REFUSED.items():
        content = {**DEMO, "expires": given_}
        with pytest.raises(ValidationError) as raised:
            EnvironmentSpec.model_validate(content)
        (told,) = describe_faults(raised.value, content)
        assert told.startswith(reason)


def test_a_label_that_breaks_a_rule_is_refused_with_the_rule() -> None:
    values = {
        "a,b": "contains a comma",
        " a": "begins or ends",
        "a\n": "contains a control",
        "v" * 64: "is longer",
    }
    for key, value, rule in (
        *((key, "x", rule) for key, rule in MISLABELLED.items()),
        *(("team", value, rule) for value, rule in values.items()),
        ("team", 1, "labels.team: should be a valid string, got a number; put it in quotes"),
    ):
        content = {**DEMO, "labels": {key: value}}
        with pytest.raises(ValidationError) as raised:
            EnvironmentSpec.model_validate(content)
        (told,) = describe_faults(raised.value, content)
        assert rule in told


def test_a_spec_without_labels_and_expiry_is_stored_as_it_was_before_they_existed() -> None:
    stored = EnvironmentSpec.model_validate(DEMO).model_dump(mode="json")
    labelled = {**DEMO, "labels": {"example.com/team_1": "web"}, "expires": "8h"}

    assert stored.keys() == {"name", "provider", "instance_name", "description"}
    assert EnvironmentSpec.model_validate(labelled).model_dump(mode="json") == {
        **stored,
        "labels": {"example.com/team_1": "web"},
        "expires": "PT8H",
    }
