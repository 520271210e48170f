"""Settings of the terraform provider: validation, and changes that need provisioning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from environments import EnvironmentSpec, InvalidConfiguration, Workspace
from environments.providers.terraform import TerraformProvider
from environments.secrets.redaction import redactor


def provider(**changes: Any) -> TerraformProvider:
    facts = {"directory": "/module", "ssh": {"key": "/id"}, "app": "/app"}
    return TerraformProvider.model_validate({**facts, **changes})


@pytest.mark.parametrize("directory", ["opt", "/opt/../etc", "/opt\n/x", ""])
def test_the_directory_on_the_host_is_an_absolute_path(directory: str) -> None:
    with pytest.raises(ValidationError, match="must be an absolute path of the host"):
        provider(service={"directory": directory})


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"ssh": {"key": "/renewed", "user": "ops", "become": True}}, ()),
        ({"service": {"port": 8081}, "app": "/other"}, ()),
        ({"directory": "/another", "variables": {"size": 2}}, ("directory", "variables")),
        ({"address": "192.0.2.2"}, ("address",)),
    ],
)
def test_only_changes_to_the_infrastructure_need_provisioning(
    changes: dict[str, Any], fields: tuple[str, ...]
) -> None:
    assert provider(address="192.0.2.1").needs_provision(provider(**changes)) == fields


@pytest.mark.parametrize(
    ("binary", "found"),
    [("./tf", "/here/tf"), ("bin/tf", "/here/bin/tf"), ("/tf", "/tf"), ("tofu", "tofu"), (None, None)],
)
def test_the_path_of_the_program_is_relative_to_the_file(binary: str | None, found: str | None) -> None:
    assert provider(binary=binary).relative_to(Path("/here")).binary == found


def test_the_playbook_and_its_variables_need_configuring() -> None:
    assert provider().needs_configure(provider(variables={"a": 1})) == ()
    changed = provider(playbook="/b.yml", playbook_variables={"a": 1})
    assert provider().needs_configure(changed) == ("playbook", "playbook_variables")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"variables": {"x": [float("inf")]}},
            "variables.x.0: is not a finite number, and can't be stored",
        ),
        ({"variables": {"x": {"env": ""}}}, "variables.x: the place of the secret is empty"),
        ({"service": {"env": {"X": {"file": ""}}}}, "service.env.X: the place of the secret is empty"),
    ],
)
def test_what_can_not_be_stored_or_read_again_is_refused(
    tmp_path: Path, changes: dict[str, Any], problem: str
) -> None:
    spec = EnvironmentSpec(name="web", provider=provider(**changes))
    with pytest.raises(InvalidConfiguration) as caught:
        Workspace(tmp_path / "data").create(spec)

    assert [found.startswith(problem) for found in caught.value.problems] == [True]


def test_the_password_of_a_vault_is_a_reference_that_old_specs_lack(tmp_path: Path) -> None:
    assert provider().vault_password is None
    given = provider(vault_password={"file": "secret"}).relative_to(tmp_path)
    assert given.vault_password is not None
    assert given.vault_password.file == tmp_path / "secret"
    (tmp_path / "secret").write_text("a long password\n")
    assert redactor(given)("it said: a long password") == "it said: ***"
    with pytest.raises(ValidationError):
        provider(vault_password="a password as it is")
