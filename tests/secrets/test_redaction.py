from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional

import pytest
from pydantic import BaseModel, Field, Secret, SecretBytes, SecretStr, ValidationError
from typing_extensions import TypeAliasType, TypedDict

from environments.errors import StepFailed
from environments.execution.runner import Runner
from environments.execution.runtime import Runtime
from environments.model.command_name import CommandName
from environments.model.environment import Environment
from environments.model.failure import FailureCause
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.spec import EnvironmentSpec
from environments.model.steps import Probed, Step, StepContext
from environments.ports import EnvironmentRepository
from environments.secrets.redaction import discloses, redact_known, redactor
from environments.secrets.references import SecretMemory, SecretRef
from environments.testing import FixedClock
from statechart.holder import Holder


class Login(BaseModel):
    user: str
    password: SecretStr


class Nested(BaseModel):
    logins: list[Login]


@dataclass
class LoginRecord:
    password: SecretStr


class LoginKeys(TypedDict):
    password: SecretStr


class LoginPair(NamedTuple):
    user: str
    password: SecretStr


class Chain(BaseModel):
    reference: SecretRef
    next: Optional[Chain] = None  # noqa: UP045  # another way to say it


Token = TypeAliasType("Token", SecretStr | None)

SECRETS = {
    "plain": SecretStr,
    "bytes": SecretBytes,
    "of a date": Secret[date],
    "optional": SecretStr | None,
    "in a container": dict[str, tuple[SecretStr, ...]],
    "annotated": Annotated[SecretStr, Field(min_length=3)],
    "in a model": Login,
    "in a model's model": Nested,
    "in a dataclass": LoginRecord,
    "in a typed dict": LoginKeys,
    "in a named tuple": LoginPair,
    "behind an alias": Token,
    "in a list of models": list[Nested | None],
}
HARMLESS = {
    "a reference": SecretRef,
    "references": dict[str, str | SecretRef],
    "a model of its own kind": Chain,
    "a choice": Literal["a", "b"],
    "anything": Any,
    "a path": Path | None,
}


def spec_with(annotation: object) -> type[ProviderSpec]:
    return type(
        "Rented", (ProviderSpec,), {"__module__": __name__, "__annotations__": {"token": annotation}}
    )


@pytest.mark.parametrize("annotation", SECRETS.values(), ids=SECRETS)
def test_a_provider_that_would_save_a_secret_is_refused_when_it_is_defined(annotation: object) -> None:
    with pytest.raises(TypeError, match=r"Rented\.token can hold a secret.*make it a SecretRef"):
        spec_with(annotation)


@pytest.mark.parametrize("annotation", HARMLESS.values(), ids=HARMLESS)
def test_a_provider_that_saves_only_references_is_accepted(annotation: object) -> None:
    assert spec_with(annotation).model_fields.keys() == {"kind", "token"}


def test_a_secret_that_is_declared_later_is_refused_before_the_provider_is_used() -> None:
    class Rented(ProviderSpec):
        login: Later

    class Later(BaseModel):
        password: SecretStr

    with pytest.raises(TypeError, match=r"Rented\.login can hold a secret"):
        Rented.model_rebuild(_types_namespace={"Later": Later})


def test_a_provider_can_not_inherit_an_exception() -> None:
    class Rented(ProviderSpec):
        region: str

    with pytest.raises(TypeError, match=r"Cheaper\.token"):
        type("Cheaper", (Rented,), {"__module__": __name__, "__annotations__": {"token": SecretStr}})


@pytest.mark.parametrize("given", [{}, {"env": "TOKEN", "file": "token"}, {"env": None, "file": None}])
def test_a_reference_names_exactly_one_place(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either 'env' or 'file'"):
        SecretRef.model_validate(given)


def test_a_reference_to_another_kind_of_place_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"vault\n  Extra inputs are not permitted"):
        SecretRef.model_validate({"env": "TOKEN", "vault": "token"})


@pytest.mark.parametrize("reference", [SecretRef(env="TOKEN"), SecretRef(file=Path("/run/token"))])
def test_a_reference_survives_json(reference: SecretRef) -> None:
    assert SecretRef.model_validate_json(reference.model_dump_json()) == reference


def test_a_secret_is_read_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = SecretRef(env="ENVCHART_TEST_TOKEN")
    monkeypatch.setenv("ENVCHART_TEST_TOKEN", "s3cret\n")

    assert reference.resolve() == "s3cret\n"
    assert "s3cret" not in f"{reference!r} {reference} {reference.model_dump_json()}"


@pytest.mark.parametrize(
    ("text", "secret"), [("s3cret\n", "s3cret"), ("s3cret", "s3cret"), ("a\nb\n\n", "a\nb\n")]
)
def test_a_secret_is_read_from_a_file_without_its_final_line_break(
    tmp_path: Path, text: str, secret: str
) -> None:
    (tmp_path / "token").write_text(text)

    assert SecretRef(file=tmp_path / "token").resolve() == secret


def test_a_variable_that_is_not_set_is_a_failure_of_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENVCHART_TEST_TOKEN", raising=False)

    with pytest.raises(
        StepFailed, match="variable ENVCHART_TEST_TOKEN, which holds a secret, is not set"
    ) as raised:
        SecretRef(env="ENVCHART_TEST_TOKEN").resolve()
    assert raised.value.cause is FailureCause.CONFIGURATION


def test_a_missing_file_is_a_failure_of_the_step(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match=r"secret file .*gone can't be read: No such file") as raised:
        SecretRef(file=tmp_path / "gone").resolve()
    assert raised.value.cause is FailureCause.CONFIGURATION


def test_a_file_that_is_a_directory_is_a_failure_of_the_step(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="can't be read: it is not a regular file"):
        SecretRef(file=tmp_path).resolve()


def test_a_file_that_is_not_text_is_a_failure_of_the_step_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff\xfes3cret")

    with pytest.raises(StepFailed, match="can't be read: it is not text in UTF-8") as raised:
        SecretRef(file=tmp_path / "token").resolve()
    assert "s3cret" not in str(raised.value)


class Rented(ProviderSpec, frozen=True, extra="forbid"):
    kind: str = "rented"
    token: SecretRef
    logins: Mapping[str, tuple[SecretRef, ...]] = Field(default={})


register_provider("rented", f"{__name__}:Rented")


@pytest.fixture
def rented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Rented:
    monkeypatch.setenv("ENVCHART_TEST_TOKEN", "swordfish 1")
    (tmp_path / "login").write_text("ann\nhunter2\n0\n")
    logins = {"ann": (SecretRef(file=tmp_path / "login"), SecretRef(env="ENVCHART_TEST_NOTHING"))}
    return Rented(token=SecretRef(env="ENVCHART_TEST_TOKEN"), logins=logins)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("token=swordfish 1;", "token=***;"),
        ("swordfish 1swordfish+1swordfish%201", "*********"),
        ("Basic YW5uOnN3b3JkZmlzaCAx", "Basic YW5uOn***"),
        ("password: hunter2", "password: ***"),
        ("ann has 0 problems", "ann has 0 problems"),
        ("swordfish", "swordfish"),
    ],
)
def test_secrets_of_a_spec_are_hidden_everywhere(rented: Rented, said: str, left: str) -> None:
    assert redactor(rented)(said) == left


def test_the_old_value_of_a_changed_secret_stays_hidden(
    rented: Rented, monkeypatch: pytest.MonkeyPatch
) -> None:
    rented.token.resolve()
    monkeypatch.setenv("ENVCHART_TEST_TOKEN", "mackerel 2")

    assert redactor(rented)("swordfish 1, mackerel 2") == "***, ***"
    monkeypatch.delenv("ENVCHART_TEST_TOKEN")
    assert redactor(rented)("swordfish 1, mackerel 2") == "***, ***"


def test_secrets_that_were_read_are_hidden_in_text_without_a_spec(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVCHART_TEST_ONCE", "never read: pike 3")
    assert redact_known("pike 3, never read: pike 3") == "pike 3, never read: pike 3"

    SecretRef(env="ENVCHART_TEST_ONCE").resolve()

    assert redact_known("pike 3, never read: pike 3") == "pike 3, ***"


@pytest.mark.parametrize(
    ("token", "outputs", "disclosed"),
    [
        ("swordfish", {"details": {"a": ["is swordfish"]}}, True),
        ("swordfish", {"details": {"swordfish": 1}}, True),
        ("swordfish", {"release": "sword", "port": 1, "owned": True}, False),
        ("8080", {"url": "http://host:8080/"}, False),
        ("127.0.0.1", {"instance_ip": "127.0.0.1"}, False),
        ("localhost", {"url": "http://localhost/"}, False),
    ],
)
def test_outputs_disclose_long_secrets_that_are_no_addresses(
    monkeypatch: pytest.MonkeyPatch, token: str, outputs: dict[str, object], disclosed: bool
) -> None:
    monkeypatch.setenv("ENVCHART_TEST_OUTPUT", token)
    rented = Rented(token=SecretRef(env="ENVCHART_TEST_OUTPUT"))

    assert discloses(rented, outputs, SecretMemory()) is disclosed


async def test_results_of_probes_are_reported_without_secrets(
    repository: EnvironmentRepository, clock: FixedClock, rented: Rented
) -> None:
    async def effect(_context: StepContext) -> None: ...

    async def probe(_context: StepContext) -> Probed:
        return Probed.unknown(f"{rented.token.resolve()} is wrong")

    repository.create(Environment.new(EnvironmentSpec(name="demo", provider=rented), clock.now()))
    with repository.open("demo", Holder.current("test")) as session:
        runner = Runner(Runtime(repository, clock=clock), session, CommandName.RUN)
        found = await runner.probe(Step(name="look", effect=effect, probe=probe), 1, 1)

    assert found == Probed.unknown("*** is wrong")
