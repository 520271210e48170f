"""Amendments of a spec: assignments as typed, and what is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from environments.configuration.amendments import Amendment, changed_fields
from environments.errors import InvalidConfiguration
from environments.model.spec import EnvironmentSpec

HELLO = Path(__file__).parents[2] / "examples" / "hello"
LOCAL = EnvironmentSpec.model_validate(
    {
        "name": "web",
        "labels": {"team": "web"},
        "provider": {
            "kind": "local",
            "app": HELLO,
            "env": {"GREETING": "Hello", "TOKEN": {"env": "TOKEN"}},
            "files": {"settings.ini": "level = info\n"},
        },
    }
)
TERRAFORM = EnvironmentSpec.model_validate(
    {
        "name": "web",
        "provider": {
            "kind": "terraform",
            "directory": "/module",
            "app": HELLO,
            "ssh": {"key": "/key"},
            "variables": {"tags": {"owner": "ann"}},
        },
    }
)


def amended(spec: EnvironmentSpec, text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    amendment = Amendment(assignments=((name, value),)) if equals else Amendment(unset=(name,))
    return {field: new for field, _, new in changed_fields(spec, amendment(spec))}


@pytest.mark.parametrize(
    ("spec", "text", "changed"),
    [
        (LOCAL, "description=a: b", {"description": "a: b"}),
        (LOCAL, "provider.port=8080", {"provider.port": 8080}),
        (LOCAL, "provider.start_timeout=2.5", {"provider.start_timeout": timedelta(seconds=2.5)}),
        (LOCAL, "provider.command=[python3, app.py]", {"provider.command": ("python3", "app.py")}),
        (LOCAL, "provider.app=~nobody-there/x", {"provider.app": Path.cwd() / "~nobody-there/x"}),
        (LOCAL, "provider.env.GREETING=1.10", {"provider.env.GREETING": "1.10"}),
        (LOCAL, "provider.env.LIST=[1]", {"provider.env.LIST": "[1]"}),
        (LOCAL, "provider.env.KEY=@env:KEY", {"provider.env.KEY": {"env": "KEY", "file": None}}),
        (LOCAL, "provider.env.KEY={file: /k}", {"provider.env.KEY": {"env": None, "file": Path("/k")}}),
        (LOCAL, "provider.files.conf/a.b.ini=@env:X", {"provider.files.conf/a.b.ini": "@env:X"}),
        (LOCAL, "labels.example.org/team=web", {"labels.example.org/team": "web"}),
        (LOCAL, "expires=8h", {"expires": timedelta(hours=8)}),
        (LOCAL, "labels.team", {"labels.team": None}),
        (LOCAL, "labels", {"labels.team": None}),
        (LOCAL, "provider.env.TOKEN", {"provider.env.TOKEN": None}),
        (LOCAL, "provider.files.settings.ini", {"provider.files.settings.ini": None}),
        (LOCAL, "provider.port", {}),
        (LOCAL, "expires", {}),
        (TERRAFORM, "provider.service.port=81", {"provider.service.port": 81}),
        (TERRAFORM, "provider.ssh.become=true", {"provider.ssh.become": True}),
        (TERRAFORM, "provider.variables.count=3", {"provider.variables.count": 3}),
        (TERRAFORM, "provider.variables.day=2030-01-01", {"provider.variables.day": "2030-01-01"}),
        (TERRAFORM, "provider.variables.size=small: x", {"provider.variables.size": "small: x"}),
        (TERRAFORM, "provider.variables.tags.owner=eve", {"provider.variables.tags.owner": "eve"}),
        (
            TERRAFORM,
            "provider.vault_password=@env:V",
            {"provider.vault_password": {"env": "V", "file": None}},
        ),
        (TERRAFORM, "provider.service", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_is_set_or_unset(spec: EnvironmentSpec, text: str, changed: dict[str, Any]) -> None:
    assert amended(spec, text) == changed


@pytest.mark.parametrize(
    ("spec", "text", "problem"),
    [
        (LOCAL, "provider.prot=1", "provider.prot: there is no such key; did you mean 'provider.port'?"),
        (LOCAL, "labls.team=web", "labls: there is no such key; did you mean 'labels'?"),
        (
            LOCAL,
            "provider.env.GRETING",
            "provider.env.GRETING: there is no such key; did you mean 'provider.env.",
        ),
        (LOCAL, "port=80", "port: there is no such key; did you mean 'provider.port'?"),
        (LOCAL, "labels.owner", "labels.owner: there is no such key; known below labels are team"),
        (LOCAL, "provider.port=80a", "provider.port: should be a whole number"),
        (LOCAL, "provider.command=python3", "provider.command: should be a valid list, got a string"),
        (LOCAL, "provider.command.0=python3", "provider.command: is no mapping, so set it as a whole"),
        (LOCAL, "provider.start_timeout=soon", "provider.start_timeout: should be a number of seconds"),
        (LOCAL, "provider.env.1=x", "provider.env: '1' is not a valid name for a variable"),
        (LOCAL, "provider.env.KEY=@env:", "provider.env.KEY: names no variable after the colon"),
        (LOCAL, "provider.app", "provider.app: is missing"),
        (LOCAL, "name=other", "name: the name can't be changed"),
        (LOCAL, "provider.kind=terraform", "provider.kind: the kind of provider can't be changed"),
        (LOCAL, "provider.=x", "'provider.' is not the name of a field"),
        (LOCAL, "expires=-8h", "expires: is in the past"),
        (TERRAFORM, "become=true", "become: there is no such key; did you mean 'provider.ssh.become'?"),
        (
            TERRAFORM,
            "provider.service.prot=1",
            "provider.service.prot: there is no such key; did you mean ",
        ),
        (TERRAFORM, "provider.ssh.become=maybe", "provider.ssh.become: should be true or false"),
        (
            TERRAFORM,
            "provider.vault_password=hunter2",
            "provider.vault_password: should be a valid mapping, got",
        ),
        (
            TERRAFORM,
            "provider.variables.tag.owner=x",
            "provider.variables.tag: there is no such key; did you ",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_t_be_set_is_refused_with_its_field(
    spec: EnvironmentSpec, text: str, problem: str
) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        amended(spec, text)

    assert refused.value.problems[0].startswith(problem)
    assert "hunter2" not in str(refused.value)


def test_variables_go_where_the_provider_has_them() -> None:
    amendment = Amendment(env={"LEVEL": "debug"})

    for spec, field in ((LOCAL, "provider.env.LEVEL"), (TERRAFORM, "provider.service.env.LEVEL")):
        assert list(changed_fields(spec, amendment(spec))) == [(field, None, "debug")]


def test_another_app_ends_the_choice_of_a_release(tmp_path: Path) -> None:
    pinned = LOCAL.model_copy(update={"provider": LOCAL.provider.for_release(release="0123456789ab")})

    changes = list(changed_fields(pinned, Amendment(app=tmp_path)(pinned)))

    assert changes == [
        ("provider.app", HELLO, tmp_path),
        ("provider.pinned_release", "0123456789ab", None),
    ]
