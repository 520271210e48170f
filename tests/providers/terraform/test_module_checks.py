"""Modules are judged by their root directory, before anything is created."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from environments.errors import StepFailed
from environments.providers.terraform import TerraformProvider
from environments.providers.terraform.tofu.module import Module, write
from environments.providers.terraform.tofu.working_copy import WorkingCopy
from environments.system.files import OwnPath
from tests.providers.terraform.conftest import Bench

OUTPUT = 'output "instance_ip" { value = "127.0.0.1" }\n'


def filled(directory: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return directory


def problems(directory: Path, **settings: Any) -> list[str]:
    """Return the problems of the module alone."""
    facts = {"directory": directory, "ssh": {"key": "/id"}, "app": "/app", **settings}
    found = TerraformProvider.model_validate(facts).problems()
    return [
        problem.replace(f"{directory}/", "")
        for problem in found
        if not problem.startswith(("ssh.key", "app", "binary"))
    ]


REMOTE: dict[str, tuple[dict[str, str], str]] = {
    "a backend": (
        {"main.tf": OUTPUT + 'terraform {\n  backend "remote" {}\n}'},
        'main.tf:3: backend "remote"',
    ),
    "a label without quotes": (
        {"a.tf": OUTPUT + "terraform { \n backend remote { } }"},
        'a.tf:3: backend "remote"',
    ),
    "cloud": ({"main.tf": OUTPUT, "v.tf": "\n\nterraform {\n cloud {\n }\n}"}, "v.tf:4: cloud"),
    "an override": (
        {"main.tf": OUTPUT, "x_override.tf": 'terraform {\nbackend "local" {}\n}'},
        "x_override.tf:2: ",
    ),
    "JSON": (
        {
            "main.tf": OUTPUT,
            "b.tf.json": '{"//": "backend",\n"terraform": [{\n"backend": {\n"remote": {}}}]}',
        },
        'b.tf.json:4: backend "remote"',
    ),
    "a key twice": (
        {"b.tf.json": '{"terraform": {"cloud": {}},\n "terraform": {}, "output": {"instance_ip": {}}}'},
        "b.tf.json:1: cloud",
    ),
    "a template": (
        {"m.tf.j2": OUTPUT + 'terraform {\n{#\n#}backend "remote" { k = "{{ name }}" }\n}'},
        "m.tf.j2:4: ",
    ),
    "a mark of the order of bytes": (
        {"m.tf": "\ufeff" + 'terraform {\n backend "remote" {}\n}\n' + OUTPUT},
        "m.tf:2: ",
    ),
    "OpenTofu's own": ({"main.tf": OUTPUT, "t.tofu": "terraform {\n cloud {\n }\n}"}, "t.tofu:2: cloud"),
}


@pytest.mark.parametrize("case", REMOTE)
def test_a_module_whose_backend_can_not_be_used_is_refused(tmp_path: Path, case: str) -> None:
    files, place = REMOTE[case]
    (found,) = problems(filled(tmp_path, files))

    assert found.startswith(f"directory: {place}")
    assert "remove the block" in found
    bench = Bench(tmp_path / "bench")
    filled(bench.module, files)
    with pytest.raises(StepFailed, match="remove the block"):
        WorkingCopy(bench.spec, bench.context).source()


BACKENDS: dict[str, tuple[str, dict[str, Any], list[str]]] = {
    "s3": ('backend "s3" { bucket = "b" }', {}, []),
    "local, elsewhere": ('backend "local" { path = "/srv/web.tfstate" }', {}, []),
    "local, named by a template": ('backend "local" { path = "/srv/{{ name }}.tfstate" }', {}, []),
    "pg without its database": ('backend "pg" {}', {}, ["backend_env.PG_CONN_STR: "]),
    "pg with its database": ('backend "pg" {}', {"PG_CONN_STR": {"env": "PG_CONN_STR"}}, []),
    "pg of libpq": ('backend "pg" {}', {"PGHOST": "db"}, []),
    "http without its address": ('backend "http" {}', {}, ["backend_env.TF_HTTP_ADDRESS: "]),
    "http with its address": ('backend "http" { address = "http://x" }', {}, []),
    "a password": (
        'backend "http" {\naddress = "http://x"\npassword = "hunter22"\n}',
        {},
        ['directory: b.tf.j2:1: backend "http": password: its name says that it is a secret'],
    ),
    "a URL with a password": (
        'backend "pg" { conn_str = "postgres://u:hunter22@db/tf" }',
        {},
        ['directory: b.tf.j2:1: backend "pg": conn_str: it contains a URL with a password'],
    ),
    "no setting of a backend": (
        'backend "s3" {}',
        {"TF_WORKSPACE": "x", "TF_CLI_ARGS": "x"},
        ["backend_env.TF_CLI_ARGS: ", "backend_env.TF_WORKSPACE: "],
    ),
}


@pytest.mark.parametrize("case", BACKENDS)
def test_a_backend_gets_what_it_needs_from_declared_settings(tmp_path: Path, case: str) -> None:
    block, given, expected = BACKENDS[case]
    files = {"main.tf": OUTPUT, "b.tf.j2": f"terraform {{ {block} }}"}
    found = problems(filled(tmp_path, files), backend_env=given)

    assert len(found) == len(expected)
    for problem, begin in zip(found, expected, strict=True):
        assert problem.startswith(begin), problem


UNDERSTOOD: dict[str, dict[str, str]] = {
    "labels without quotes": {"main.tf": "variable size { default = 1 }\noutput instance_ip { value = 1 }"},
    "JSON": {
        "main.tf.json": '{"variable": [{"size": {}}],\n\t"output": {"instance_ip": {"value": "a\\/b"}}}'
    },
    "a backend that is none": {
        "main.tf": OUTPUT + 'variable "size" {}\n# terraform { backend "s3" {} }\n'
        "/*\nterraform { cloud {} }\n*/\n"
        'locals { a = <<-X\n  terraform {\n  backend "s3" {}\n  }\n  X\n backend = "s3" }\n',
        "modules/net/main.tf": 'terraform { backend "s3" {} }',
        ".hidden.tf": "terraform { cloud {} }",
        "notes.txt": "terraform { cloud {} }",
    },
    "an override adds the default": {
        "a.tf": OUTPUT + 'variable "other" {}\nvariable "size" {}',
        "override.tf": 'variable "other" { default = 1 }',
    },
    "its own values": {
        "main.tf": OUTPUT + 'variable "other" {}\nvariable "more" {}\nvariable "size" {}',
        "x.auto.tfvars": "other = 1\n",
        "terraform.tfvars.json": '{"more": 1}',
    },
    "a template": {
        "main.tf.j2": OUTPUT
        + 'variable "size" {}\n{% if x %}\nvariable "other" {}\nterraform { cloud {} }\n{% endif %}'
    },
    "computed names": {"main.tf.j2": OUTPUT + 'variable "{{ a }}" { default = 1 }'},
    "what only Terraform understands": {"main.tf": "locals {\n a = 1e3\n}\n" + OUTPUT},
    "blocks and objects of any depth": {
        "main.tf": OUTPUT + "a {\n" * 3000 + "}\n" * 3000,
        "b.tf.json": '{"terraform": ' * 900 + "1" + "}" * 900,
        "c.tf.json": "[" * 9000,
    },
    "bytes that are not UTF-8": {"main.tf": OUTPUT + 'variable "size" {}\n# caf\udce9\n'},
}


@pytest.mark.parametrize("case", UNDERSTOOD)
def test_a_module_that_terraform_takes_is_not_refused(tmp_path: Path, case: str) -> None:
    assert problems(filled(tmp_path, UNDERSTOOD[case]), variables={"size": 1}) == []


REFUSED: dict[str, tuple[dict[str, str], dict[str, Any], list[str]]] = {
    "nothing": ({"notes.md": "", "sub/main.tf": OUTPUT}, {}, ["directory: "]),
    "only in other directories": (
        {"main.tf": "locals {}", "examples/x/main.tf": OUTPUT, "modules/n/main.tf": 'variable "cidr" {}'},
        {"variables": {"cidr": "z"}},
        ["variables.cidr: the module declares no such variable", "outputs.instance_ip: the module has no"],
    ),
    "only in comments": (
        {"main.tf": f'/*\n{OUTPUT} variable "cidr" {{}} */ # {OUTPUT}'},
        {"variables": {"cidr": "z"}},
        ["variables.cidr", "outputs.instance_ip"],
    ),
    "a value that nobody gives": (
        {"main.tf": OUTPUT + 'variable "token" {\n sensitive = true\n}\nvariable "name" {}'},
        {},
        ["variables.token: the module needs it (main.tf:2); write a value, or the place of a secret"],
    ),
    "a module above": (
        {"m.tf": OUTPUT + 'module "a" { source = "./a" }', "a/m.tf": 'module "b" { source = "../../b" }'},
        {},
        ["directory: the module uses ../../b, which lies outside"],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_module_that_terraform_would_refuse_is_refused_at_create(tmp_path: Path, case: str) -> None:
    files, settings, said = REFUSED[case]
    found = problems(filled(tmp_path / "m", files), **settings)

    assert len(found) == len(said)
    assert all(problem.startswith(begin) for problem, begin in zip(found, said, strict=True)), found


def test_a_variable_of_the_user_is_named_where_the_module_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TF_VAR_token", "hunter2")
    (found,) = problems(filled(tmp_path, {"main.tf": OUTPUT + 'variable "token" {}'}))

    assert "{env: TF_VAR_token}" in found
    assert "hunter2" not in found


def test_linked_directories_are_copied_and_seen_by_the_digest(tmp_path: Path) -> None:
    common = filled(tmp_path / "common", {"net/main.tf": "locals {}", "deep/a.txt": "a"})
    module = filled(tmp_path / "m", {"main.tf": OUTPUT + 'module "net" { source = "./modules/net" }'})
    (module / "modules").symlink_to("../common")
    (common / "again").symlink_to(".")
    (common / "back").symlink_to(module)
    (module / "above").symlink_to("..")
    (module / "nowhere").symlink_to("nothing")
    before = Module(module).digest()

    assert problems(module) == []
    assert sorted(Module(module).render({})) == ["main.tf", "modules/deep/a.txt", "modules/net/main.tf"]
    filled(common, {"net/main.tf": "locals { a = 1 }"})
    assert Module(module).digest() != before


def test_links_that_multiply_the_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("environments.providers.terraform.tofu.module._MOST_ENTRIES", 100)
    filled(tmp_path / "m", {"main.tf": OUTPUT})
    for number in range(12):
        (tmp_path / f"d{number}").mkdir()
        for name in "ab":
            (tmp_path / f"d{number}" / name).symlink_to(f"../d{number + 1}")
    (tmp_path / "d12").mkdir()
    (tmp_path / "m" / "links").symlink_to("../d0")

    (found,) = problems(tmp_path / "m")
    assert "holds more than 100 files," in found


def test_links_in_a_copy_are_removed_and_not_followed(tmp_path: Path) -> None:
    victim = filled(tmp_path / "victim", {"file": "kept"})
    copy = filled(tmp_path / "copy", {"stale/file": "", "terraform.tfstate": "{}"})
    (copy / "link").symlink_to(victim)
    write({"main.tf": b""}, {}, OwnPath(copy))

    assert sorted(path.name for path in copy.rglob("*") if not path.is_dir()) == [
        "envchart.auto.tfvars.json",
        "main.tf",
        "terraform.tfstate",
    ]
    assert (victim / "file").read_text() == "kept"
