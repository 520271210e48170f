"""What is read without the models is what the models say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from environments import EnvironmentSpec
from environments.model.command_name import PATH
from environments.model.environment import Environment, Outputs
from environments.model.fields.inputs import short_digest
from environments.model.operation import merged
from environments.providers.local import LocalProvider
from environments.providers.local.glimpse import StoredIdentity, StoredInstance
from environments.providers.local.inputs import StoredSettings, inputs_of
from environments.providers.local.instance import Instance
from environments.storage.own_specs import OWN_SPECS
from statechart.holder import ProcessIdentity
from statechart.storage.forms import Misfit, read_form, read_json

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"command": ["python3", "app.py", "ä"], "port": 8080, "health": "/up?x=1", "preflight": False},
        {"files": {"b.ini": "x\n", "a/b": "\u2028"}, "pinned_release": "0" * 12},
        {"env": {"B": "1", "A": "ü", "KEY": {"env": "KEY"}, "FILE": {"file": "/run/secrets/x"}}},
    ],
)
@pytest.mark.parametrize("outputs", [{}, {"release": "a" * 12, "port": 8080}, {"serving": "b" * 12}])
def test_a_stored_spec_has_the_inputs_of_the_steps(fields, outputs):
    provider = LocalProvider.model_validate({"app": "/srv/./app/", **fields})
    new = Environment.new(EnvironmentSpec(name="demo", provider=provider), NOW)
    environment = new.model_copy(update={"outputs": Outputs(**outputs)})
    plain = read_json(environment.model_dump_json().encode())["spec"]["provider"]
    read_form(OWN_SPECS["local"], plain)
    stored = StoredSettings(plain)

    for command in PATH:
        steps = provider.steps(command, environment)
        inputs = inputs_of(command, stored, environment)
        found = {key: short_digest(value) for key, value in inputs.items()}
        assert found == merged((step.name, step.input_digests) for step in steps), command

    assert stored.public_env == provider.public_env
    assert (stored.health, stored.files) == (provider.health, provider.files)


@pytest.mark.parametrize("process", [None, ProcessIdentity(pid=1), ProcessIdentity.of(1)])
def test_the_form_of_a_start_is_that_of_its_record(process):
    record = Instance(
        operation="o", release="r", port=65_535, fingerprint="f", started_at=NOW, process=process
    )

    form = read_form(StoredInstance, read_json(record.model_dump_json().encode()))

    assert (form.port, form.token, form.release) == (record.port, record.token, record.release)
    assert list(StoredInstance.__annotations__) == list(Instance.model_fields)
    assert list(StoredIdentity.__annotations__) == list(ProcessIdentity.model_fields)
    with pytest.raises(Misfit):
        read_form(StoredInstance, {**form.plain, "port": 65_536})
