"""Spec files: valid content, and the report of each problem."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from traceback import format_exception

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from environments.configuration.schema import spec_schema
from environments.configuration.spec_file import load_spec
from environments.configuration.templates import TEMPLATES, spec_template
from environments.errors import InvalidConfiguration, InvalidName
from environments.model.provider_kinds import provider_class
from environments.model.spec import EnvironmentSpec
from environments.providers.local import LocalProvider
from environments.providers.terraform import TerraformProvider
from environments.secrets.references import SecretRef

VALID = "name: demo\nprovider:\n  kind: local\n  app: ./app\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "env.yaml"


def problems(file: Path, text: str | bytes, name: str | None = None) -> list[str]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidConfiguration) as caught:
        load_spec(file, name=name)
    assert caught.value.source == str(file)
    return [problem.removeprefix(f"{file}:") for problem in caught.value.problems]


def test_relative_paths_are_relative_to_the_file(file: Path) -> None:
    file.write_text(VALID + "  env: {KEY: {file: secrets/key}, OTHER: text}\n")

    provider = load_spec(file).provider

    assert isinstance(provider, LocalProvider)
    assert provider.app == file.parent / "app"
    assert provider.env == {"KEY": SecretRef(file=file.parent / "secrets/key"), "OTHER": "text"}


def test_a_number_is_a_duration_in_seconds(file: Path) -> None:
    file.write_text(VALID + "  settle: 0.5\n")

    provider = load_spec(file).provider

    assert isinstance(provider, LocalProvider)
    assert provider.settle == timedelta(seconds=0.5)


def test_a_file_without_a_name_takes_the_requested_name(file: Path) -> None:
    file.write_text(VALID.replace("name: demo\n", ""))

    assert load_spec(file, name="other").name == "other"


def test_the_same_name_may_be_given_twice(file: Path) -> None:
    file.write_text(VALID)

    assert load_spec(file, name="demo").instance_name == "envchart-demo"


def test_a_name_that_differs_from_that_of_the_file_is_refused(file: Path) -> None:
    assert problems(file, VALID, name="other") == [
        "1: name: the file says 'demo', but 'other' was requested"
    ]


FAULTS = {
    "": "it is empty",
    "- a\n": "it has to be a mapping of keys to values, like 'name: demo'",
    "just text": "it has to be a mapping of keys to values, like 'name: demo'",
    "name: [\n": "2:1: it is not YAML: expected the node content, but found '<stream end>'",
    "a: 1\n---\nb: 2\n": "2:1: it is not YAML: but found another document",
    "a: 1\n...\nb: 2\n": "3:1: it is not YAML: "
    "expected '<document start>', but found '<block mapping start>'",
    "\tname: demo\n": "1:1: it is not YAML: found character '\\t' that cannot start any token",
    VALID + "nmae: x\n": "5: nmae: there is no such key; did you mean 'name'?",
    VALID + "zzzzz: x\n": "5: zzzzz: there is no such key; "
    "known are description, expires, instance_name, labels, name, on_expiry, provider",
    VALID + "  prot: 1\n": "5: provider.prot: there is no such key; did you mean 'port'?",
    VALID + "  port: abc\n": "5: provider.port: should be a whole number",
    VALID + "  port: 0\n": "5: provider.port: should be greater than or equal to 1, got 0",
    VALID + "  port: 70000\n": "5: provider.port: should be less than or equal to 65535, got 70000",
    VALID + "  env: {DEBUG: on}\n": "5: provider.env.DEBUG: should be a valid string or a valid mapping, "
    "got true; put it in quotes",
    VALID
    + "  env: {KEY: {evn: X}}\n": "5: provider.env.KEY.evn: there is no such key; did you mean 'env'?",
    VALID + "  env: [A]\n": "5: provider.env: should be a valid mapping, got a list",
    VALID + "  env:\n": "5: provider.env: should be a valid mapping, got null",
    VALID + "  command: python app.py\n": "5: provider.command: should be a valid list, got a string",
    "name: web\nprovider:\n  kind: local\n  app: 5\n": "4: provider.app: should be a path, got a number",
    VALID + "  command:\n  - ls\n  - 7\n": "7: provider.command.1: should be a valid string, got a number; "
    "put it in quotes",
    VALID + "  start_timeout: soon\n": "5: provider.start_timeout: should be a number of seconds",
    VALID + "  start_timeout: 0\n": "5: provider.start_timeout: must be longer than zero",
    VALID
    + "instance_name: UP\n": "5: instance_name: may contain only a-z, 0-9 and '-', starts with a letter "
    "and does not end with '-'",
    VALID + f"instance_name: {'i' * 64}\n": "5: instance_name: should have at most 63 characters",
    VALID + "name: again\n": "5: name: the key is there twice",
    VALID + "7: seven\n": "5: 7: a key has to be a string; put it in quotes",
    VALID + "on: x\n": "5: on: a key has to be a string; put it in quotes",
    VALID + "<<: {description: x}\n": "5: <<: keys can't be merged; write them out",
    VALID + "? [a, b]\n: x\n": "5:3: a key has to be a string",
    VALID + "when: 2020-13-45\n": "5:7: month must be in 1..12",
    "name: 2020-12-01\nprovider: {kind: local, app: .}\n": "1: name: should be a valid string, got a date; "
    "put it in quotes",
    "name: demo\n": "1: provider: is missing",
    "provider: {kind: local, app: .}\n": "1: name: is missing",
    "name: Demo_1\nprovider: {kind: local, app: .}\n": "1: name: invalid environment name 'Demo_1': "
    "it may contain only a-z, 0-9 and '-'; try 'demo-1'",
    "name: demo\nprovider: local\n": "2: provider: should be a valid mapping, got a string",
    "name: demo\nprovider: {app: .}\n": "2: provider: 'kind' is missing; the kinds are local",
    "name: demo\nprovider: {kind: local}\n": "2: provider.app: is missing",
    "name: demo\nprovider: {kind: loca, app: .}\n": "2: provider: there is no provider of kind 'loca': "
    "did you mean 'local'?",
    "name: !!python/name:os.system x\n": "1:7: a value that begins with '!' has to be put in quotes",
    VALID + "when: !!bool 7up\n": "5:7: the value does not fit its tag",
    "name: &a [*a]\n": "1: name.0: it repeats another part through an alias; write it out",
    VALID
    + "  env: &env {A: b}\n  files: *env\n": "6: provider.files: it repeats another part through an alias; "
    "write it out",
    VALID + "description: a\0b\n": "5:15: it is not YAML: the control character #x00 is there",
    VALID + "description: \x1b[31m\n": "5:14: it is not YAML: the control character #x1b is there",
    VALID + '"\\ud800": x\n': "5: \\ud800: contains a character that UTF-8 lacks",
    VALID + "  env: {KEY: {env: ''}}\n": "5: provider.env.KEY: the place of the secret is empty; "
    "name a variable or a file",
    VALID + "  env: {KEY: {file: ''}}\n": "5: provider.env.KEY: the place of the secret is empty; "
    "name a variable or a file",
    VALID
    + "  env: {KEY: {env: null}}\n": "5: provider.env.KEY: should be a valid string or name the place "
    "of the secret with either 'env' or 'file'",
    VALID + "  port: on\n": "5: provider.port: should be a number, got true",
    VALID + "  settle: no\n": "5: provider.settle: should be a number, got false",
    VALID + f"  port: 0x{'F' * 5000}\n": "5:9: the number is too long",
    VALID.replace("./app", "''"): "4: provider.app: is empty",
    VALID.replace("local", "on"): "2: provider: 'kind' should be a string",
    VALID + "instance_name: []\n": "5: instance_name: should be a valid string, got a list",
    "[" * 200: "1:101: it is not YAML: it is nested too deeply",
}


SECRET = "hunter2"
QUOTED = [
    "env: {PASSWORD: *hunter2}",
    "env: {PASSWORD: !hunter2 x}",
    "env: {PASSWORD: !h!hunter2 x}",
    "env: {PASSWORD: !!int hunter2}",
    "env: {PASSWORD: !!bool hunter2}",
    "env: {PASSWORD: !!timestamp hunter2}",
    "env: {PASSWORD: [hunter2]}",
    "env: {PASSWORD: {env: [hunter2]}}",
    "env: PASSWORD=hunter2",
    "command: run --password hunter2",
    "files: hunter2",
]


@pytest.mark.parametrize("text", QUOTED)
def test_possible_secrets_are_not_quoted(file: Path, text: str) -> None:
    file.write_text(f"{VALID}  {text}\n")

    with pytest.raises(InvalidConfiguration) as refused:
        load_spec(file)

    assert SECRET not in "".join(format_exception(refused.value))


def test_a_number_instead_of_a_string_is_not_quoted(file: Path) -> None:
    assert "12345" not in problems(file, VALID + "  env: {PIN: 12345}\n")[0]


SCALARS = {
    "yes": True,
    "Off": False,
    "y": "y",
    "~": None,
    "": None,
    "0120": 80,
    "0o120": "0o120",
    "08": "08",
    "0x1F": 31,
    "1:30": 90,
    "1_000": 1000,
    "1.5": 1.5,
    "1e3": "1e3",
    "1.0e+3": 1000.0,
    "!!str 5": "5",
    "!!float 1e3": 1000.0,
    "'5'": "5",
    "|\n        a\n        b": "a\nb\n",
    "*name": "demo",
}


@pytest.mark.parametrize("version", ["", "%YAML 1.2\n---\n"])
@pytest.mark.parametrize("written", SCALARS)
def test_scalars_are_read_by_the_rules_of_yaml_1_1(file: Path, written: str, version: str) -> None:
    spec = (
        f"{version}name: &name demo\nprovider:\n  kind: terraform\n  directory: .\n  app: .\n"
        f"  ssh: {{key: key}}\n  variables:\n    value: {written}\n"
    )
    file.write_text(spec)

    provider = load_spec(file).provider

    assert isinstance(provider, TerraformProvider)
    value = provider.variables["value"]
    assert (type(value), value) == (type(SCALARS[written]), SCALARS[written])


@pytest.mark.parametrize("text", FAULTS)
def test_each_problem_is_reported_with_its_line(file: Path, text: str) -> None:
    found = problems(file, text)

    assert [re.sub(r"kinds are .*local.*", "kinds are local", problem) for problem in found] == [
        FAULTS[text]
    ]


def test_a_character_that_json_escapes_in_two_halves_is_one(file: Path) -> None:
    file.write_text(VALID + '  env: {SMILE: "\\ud83d\\ude00"}\n')

    provider = load_spec(file).provider

    assert isinstance(provider, LocalProvider)
    assert provider.env == {"SMILE": "\U0001f600"}


def test_all_problems_are_reported_in_the_order_of_the_file(file: Path) -> None:
    text = "nmae: x\nname: demo\nprovider:\n  kind: local\n  port: abc\n"

    assert [problem.partition(":")[0] for problem in problems(file, text)] == ["1", "3", "5"]


def test_of_very_many_problems_the_first_are_reported(file: Path) -> None:
    found = problems(file, VALID + "  env:\n" + "".join(f"    K{number}: 1\n" for number in range(200)))

    assert [int(problem.partition(":")[0]) for problem in found[:50]] == list(range(6, 56))
    assert found[50:] == [" 150 more problems"]


def test_no_message_mentions_pydantic(file: Path) -> None:
    text = VALID + "  env: {A: [1]}\n  files: 7\n  pinned_release: no\n  health: x y\n"

    assert not any("pydantic" in problem or "Input" in problem for problem in problems(file, text))


def test_the_message_about_a_missing_file_has_its_absolute_path(file: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=re.escape(f"No such file or directory ({file})")):
        load_spec(file)


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="it is not a file"):
        load_spec(tmp_path)


def test_invalid_utf_8_is_refused(file: Path) -> None:
    assert problems(file, b"name: \xff\xfe\x00") == ["1:7: it is not text in UTF-8"]


def test_a_huge_file_is_refused_without_parsing(file: Path) -> None:
    assert problems(file, "a" * 1_000_001) == ["it is larger than 1,000,000 bytes, which no spec is"]


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_template_is_valid_unchanged(file: Path, kind: str) -> None:
    file.write_text(spec_template("web", kind))

    assert (load_spec(file).name, load_spec(file).provider.kind) == ("web", kind)


@pytest.mark.parametrize("kind", TEMPLATES)
def test_the_template_is_valid_with_every_field_uncommented(file: Path, kind: str) -> None:
    everything = re.sub(r"^( *)#(?! )", r"\1", spec_template(kind=kind), flags=re.M)
    file.write_text(everything)

    load_spec(file)

    declared = YAML(typ="safe").load(everything)
    assert declared.keys() == EnvironmentSpec.model_fields.keys()
    assert_names_all(declared["provider"], provider_class(kind))


def assert_names_all(declared: dict[str, object], model: type[BaseModel]) -> None:
    assert declared.keys() == model.model_fields.keys() - {"pinned_release"}
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert_names_all(declared[name], field.annotation)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TEMPLATES)
def test_each_field_of_a_template_stands_below_its_description(kind: str) -> None:
    lines = spec_template(kind=kind).splitlines()

    descriptions = [
        field["description"]
        for definition in (spec_schema(), spec_schema()["$defs"][provider_class(kind).__name__])
        for name, field in definition["properties"].items()
        if "description" in field and name not in ("kind", "pinned_release")
    ]
    told = " ".join(line.strip(" #") for line in lines if line.lstrip().startswith("# "))
    assert [text for text in descriptions if text not in told] == []


def test_the_template_comments_out_the_defaults() -> None:
    lines = [line.strip() for line in spec_template(kind="terraform").splitlines()]

    assert {"#port: 22", "#become: false", "#settle: 1", "#apply: 1800"} <= set(lines)


def test_a_provider_without_a_template_is_refused() -> None:
    with pytest.raises(LookupError, match="'no-such'"):
        spec_template(kind="no-such")


def test_the_template_of_an_invalid_name_is_refused() -> None:
    with pytest.raises(InvalidName):
        spec_template("No")


def test_the_schema_knows_every_key_of_every_kind_of_provider() -> None:
    schema = spec_schema()

    local = schema["$defs"]["LocalProvider"]
    assert schema["properties"].keys() == EnvironmentSpec.model_fields.keys()
    assert schema["required"] == ["name", "provider"]
    assert local["properties"].keys() == LocalProvider.model_fields.keys()
    assert local["required"] == ["app", "kind"]
    assert {"$ref": "#/$defs/LocalProvider"} in schema["properties"]["provider"]["oneOf"]
    assert schema["properties"]["provider"]["discriminator"]["mapping"]["local"] == "#/$defs/LocalProvider"


def test_every_reference_of_the_schema_has_a_definition() -> None:
    schema = spec_schema()

    references = re.findall(r"'#/\$defs/(\w+)'", str(schema))

    assert set(references) <= schema["$defs"].keys()


def test_the_schema_accepts_a_number_as_a_duration() -> None:
    settle = spec_schema()["$defs"]["LocalProvider"]["properties"]["settle"]

    assert settle["type"] == ["string", "number"]


@pytest.mark.parametrize("name", ["a", "a-b", "a1", "x" * 40])
def test_the_schema_accepts_valid_names(name: str) -> None:
    rule = spec_schema()["properties"]["name"]

    assert re.search(rule["pattern"], name)
    assert len(name) <= rule["maxLength"]


@pytest.mark.parametrize("name", ["", "1a", "A", "a-", "a--b", "-a", "a_b"])
def test_the_schema_refuses_invalid_names(name: str) -> None:
    assert not re.search(spec_schema()["properties"]["name"]["pattern"], name)
