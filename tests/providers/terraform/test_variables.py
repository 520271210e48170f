"""The module's variables: what the spec declares arrives, whatever the module's own files say."""

from __future__ import annotations

import json

import pytest

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from tests.providers.terraform.conftest import Bench

pytestmark = pytest.mark.e2e

NASTY = 'p@ss "w" ${a} $${b} %{c} \\n \\ \' é\n\t\x01\x7f #'
TEXTS = {"any": NASTY, "text": "plainword", "untyped": "[1, 2]", "token": "s3cretvalue"}
EXPRESSIONS = {"list": '["a", "b"]', "object": '{ name = "${"x"}", sizes = [1,] }'}
MODULE = """
variable "size" {}
variable "flag" { default = false }
variable "any" {
  type      = any
  sensitive = true
}
variable "text" { type = string }
variable "untyped" {}
variable "token" {}
variable "list" { type = list(string) }
variable "object" {
  type = object({ name = string, sizes = list(number) })
}
variable "number" {
  type    = number
  default = 0
}
resource "terraform_data" "all" {
  input = [var.size, var.any, var.text, var.untyped, var.token, var.list, var.object, var.flag]
}
output "instance_ip" { value = "127.0.0.1" }
"""


def secret(bench: Bench, monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Declare secrets, in variables of this process."""
    for name, value in values.items():
        monkeypatch.setenv(f"SECRET_{name}", value)
    references = {name: {"env": f"SECRET_{name}"} for name in values}
    bench.settings = {"variables": {"size": "declared", **references}}


async def test_what_the_spec_declares_wins_over_every_file_of_the_module(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret(bench, monkeypatch, **TEXTS, **EXPRESSIONS)
    bench.write(
        **{
            "main.tf": MODULE,
            "prod.auto.tfvars": 'size = "from a file"\nflag = true\n',
            "terraform.tfvars": 'token = "CHANGE-ME"\n',
            "zz.auto.tfvars.json": '{"any": "CHANGE-ME", "list": []}',
            "other.tfvars": 'size = "not read"\n',
        }
    )
    await bench.run("provision", "render_module")
    assert bench.reports[-1].endswith(
        "the spec's variables win over size in prod.auto.tfvars, token in terraform.tfvars, "
        "any in zz.auto.tfvars.json, list in zz.auto.tfvars.json"
    )

    await bench.provision()

    (resource,) = json.loads(bench.state.read_text())["resources"]
    seen = resource["instances"][0]["attributes"]["input"]["value"]
    texts = [TEXTS[name] for name in ("any", "text", "untyped", "token")]
    assert seen == ["declared", *texts, ["a", "b"], {"name": "x", "sizes": [1]}, True]
    holding = [
        path.name
        for path in bench.data.rglob("*")
        if path.is_file() and b"s3cretvalue" in path.read_bytes()
    ]
    assert holding == ["terraform.tfstate"], "Terraform itself writes the secret there"
    await bench.run("destroy", "check_teardown", "destroy_infrastructure")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("number", "hunter2", "variables.number: Invalid value for input variable"),
        ("list", "hunter2", "variables.list: "),
        ("list", '["hunter2" 3', "variables.list: "),
        ("list", '[]\ntoken = "hunter2"', "variables.list: the secret is no expression for a variable of"),
        ("token", "hunter2\udcff", "variables.token: the secret is not text in UTF-8"),
    ],
)
async def test_a_secret_that_does_not_fit_names_its_variable(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    secret(bench, monkeypatch, **{**TEXTS, **EXPRESSIONS, name: value})
    bench.write(**{"main.tf": MODULE})
    with pytest.raises(StepFailed) as caught:
        await bench.run("provision", "render_module", "plan_infrastructure")

    assert caught.value.summary.startswith(said)
    assert caught.value.cause is FailureCause.CONFIGURATION
    assert "hunter2" not in caught.value.summary + caught.value.detail
