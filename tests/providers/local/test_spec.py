from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from environments.model.environment import Environment
from environments.model.provider_kinds import ProviderSpec
from environments.model.spec import EnvironmentSpec
from environments.providers.local import LocalProvider
from environments.secrets.references import SecretRef


def test_a_spec_is_validated_without_access_to_the_disk():
    spec = LocalProvider(app="/no/such/place")

    assert spec.problems() == (
        "app: /no/such/place does not exist; name the directory that holds the application",
    )


def test_each_problem_is_reported(tmp_path):
    (tmp_path / "file").write_text("")

    assert "is not a directory" in LocalProvider(app=tmp_path / "file").problems()[0]
    assert "holds no app.py; name the program in 'command'" in LocalProvider(app=tmp_path).problems()[0]
    assert LocalProvider(app=tmp_path, command=("true",)).problems() == ()


def test_a_spec_survives_json():
    spec = EnvironmentSpec(
        name="demo",
        provider=LocalProvider(
            app="/app",
            command=("run",),
            env={"A": "1", "B": SecretRef(env="X")},
            settle=timedelta(seconds=2),
        ),
    )

    assert EnvironmentSpec.model_validate_json(spec.model_dump_json()) == spec


def test_paths_become_absolute_relative_to_a_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ann")
    env = {"A": "text", "B": {"file": "key"}, "C": {"file": "~/key"}, "D": {"env": "X"}}

    spec = LocalProvider(app="../app", env=env).relative_to(Path("/etc/envs"))

    assert spec.app == Path("/etc/app")
    assert spec.env["B"] == SecretRef(file=Path("/etc/envs/key"))
    assert spec.env["C"] == SecretRef(file=Path("/home/ann/key"))
    assert (spec.env["A"], spec.env["D"]) == ("text", SecretRef(env="X"))
    assert LocalProvider(app="~/app").relative_to(Path("/etc")).app == Path("/home/ann/app")


def test_only_kind_and_port_need_provisioning():
    class Other(ProviderSpec, frozen=True, extra="forbid"):
        pass

    spec = LocalProvider(app="/a", port=8080)

    assert spec.needs_provision(LocalProvider(app="/b", port=8080, health="/up")) == ()
    assert spec.needs_provision(LocalProvider(app="/a")) == ("port",)
    assert spec.needs_provision(Other(kind="other")) == ("kind",)


def test_only_files_need_configuring() -> None:
    spec = LocalProvider(app="/a", files={"a": "b"})

    assert spec.needs_configure(LocalProvider(app="/b", env={"A": "B"}, files={"a": "b"})) == ()
    assert spec.needs_configure(LocalProvider(app="/a", files={"a": "c"})) == ("files",)


@pytest.mark.parametrize(
    "fields",
    [
        {"port": 0},
        {"port": 65536},
        {"health": "health"},
        {"health": "/a b"},
        {"health": "/a\r\nX: y"},
        {"command": ["", "x"]},
        {"command": ["x", "\0"]},
        {"env": {"1A": "x"}},
        {"env": {"A=B": "x"}},
        {"env": {"PORT": "1"}},
        {"env": {"ENVCHART_X": "1"}},
        {"env": {"A": "\0"}},
        {"env": {"A": {"env": "X", "file": "Y"}}},
        {"start_timeout": 0},
        {"stop_grace": -1},
        {"pinned_release": "../../etc"},
        {"unknown": 1},
        *(
            {"files": {name: ""}}
            for name in ("", ".", "/a", "../a", "a/../b", "a//b", "./a", "a/", "a\0", "environment.json")
        ),
        {"files": {"a": "", "a/b": ""}},
    ],
)
def test_an_invalid_field_is_refused(fields):
    with pytest.raises(ValidationError):
        LocalProvider(app="/a", **fields)


def test_the_examples_file_is_valid():
    from ruamel.yaml import YAML

    path = Path(__file__).parents[3] / "examples" / "hello" / "envchart.yaml"
    spec = EnvironmentSpec.model_validate(YAML(typ="safe").load(path))
    provider = spec.provider.relative_to(path.parent)

    assert isinstance(provider, LocalProvider)
    assert provider.problems() == ()
    assert provider.app == path.parent


def test_the_fingerprint_covers_the_settings_of_a_start():
    spec = LocalProvider(app="/a")
    same = LocalProvider(app="/b", settle=timedelta(seconds=9), pinned_release="0" * 12)

    assert spec.fingerprint("r", 1) == same.fingerprint("r", 1)
    others = [LocalProvider(app="/a", env={"A": "1"}), LocalProvider(app="/a", command=("x",))]
    assert len({each.fingerprint("r", 1) for each in (spec, *others)} | {spec.fingerprint("r", 2)}) == 4


async def test_run_reports_a_missing_release_or_port(bench):
    assert isinstance(bench.environment, Environment)
    await bench.step("provision", "create_directories")
    found = await bench.probe("run", "switch_release")
    assert (found.verdict, "no port is reserved" in found.reason) == ("unknown", True)

    await bench.step("provision", "reserve_port")

    assert "nothing is released" in (await bench.probe("run", "switch_release")).reason
    assert (await bench.probe("release", "verify_release")).reason == "nothing is released"


PEM = "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"env": {"DB_PASSWORD": "hunter2"}}, "env.DB_PASSWORD: its name says that it is a secret"),
        ({"env": {"DB": "pg://ann:hunter2@db"}}, "env.DB: it contains a URL with a password"),
        ({"env": {"PEM": PEM}}, "env.PEM: it contains a private key"),
        ({"command": ["run", "--token=hunter2"]}, "command.1: its name says that it is a secret"),
        ({"command": ["run", "pg://ann:hunter2@db"]}, "command.1: it contains a URL with a password"),
        (
            {"files": {"a.ini": "db = pg://ann:hunter2@db"}},
            "files.a.ini: it contains a URL with a password",
        ),
        ({"files": {"key.pem": PEM}}, "files.key.pem: it contains a private key"),
        ({"health": "/health?token=hunter2"}, "health: it contains the secret token"),
    ],
)
def test_a_literal_secret_is_a_problem_that_does_not_quote_it(tmp_path, fields, place):
    (problem,) = LocalProvider.model_validate({"app": tmp_path, "command": ["run"], **fields}).problems()

    assert problem.startswith(place)
    assert "hunter2" not in problem
    assert "{env: VARIABLE} or {file: PATH}" in problem or "let the path answer without it" in problem


def test_a_value_that_only_looks_like_a_secret_is_no_problem(tmp_path):
    env = {"TOKENIZER": "bert", "MAX_TOKENS": "9", "PASSWORD_FILE": "/x", "DB_PASSWORD": {"env": "X"}}
    spec = LocalProvider(app=tmp_path, command=("run", "--port=80", "http://host:80/"), env=env)

    assert spec.problems() == ()


def test_a_recorded_spec_with_a_literal_secret_can_still_be_loaded(tmp_path):
    spec = LocalProvider(app=tmp_path, env={"DB_PASSWORD": "hunter2"})

    assert LocalProvider.model_validate_json(spec.model_dump_json()) == spec


def test_the_error_of_an_invalid_spec_does_not_quote_its_values():
    with pytest.raises(ValidationError) as refused:
        EnvironmentSpec.model_validate(
            {"name": "demo", "provider": {"kind": "local", "env": {"A": ["hunter2"]}}}
        )

    assert "hunter2" not in str(refused.value)
