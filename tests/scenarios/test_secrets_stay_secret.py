"""Secrets planted in every place are in no stored file and in no output."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from environments.cli.app import main
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.model.steps import Step, StepContext, StepOutputs
from environments.providers.common.tools import Tool, run_tool
from environments.secrets.redaction import redactor
from environments.secrets.references import SecretRef

ONE, MANY = "hunter2-é/&?=", "-----BEGIN KEY-----\nabcdefghijkl\nmnopqrstuvwx\n-----END KEY-----"
PARTS = (ONE, "abcdefghijkl", "mnopqrstuvwx", "hunter2")


class LeakySpec(ProviderSpec, frozen=True, extra="forbid"):
    """A provider whose steps print their secrets wherever possible."""

    kind: str = "leaky"
    password: SecretRef
    keys: tuple[SecretRef, ...] = ()
    how: str = "report"

    def supports(self, command: object) -> bool:
        return True

    def logs(self, environment: Any, directory: Path) -> list[Path]:
        log = directory / "service.log"
        return [log] if log.exists() else []

    async def observe(self, environment: Any, directory: Path) -> Any:
        raise NotImplementedError

    def steps(self, command: Any, environment: Any) -> list[Step]:
        def probe(_context: StepContext) -> Any:
            raise OSError(self._said)

        return [Step(name="leak", effect=getattr(self, f"_{self.how}"), probe=probe, idempotent=True)]

    @property
    def _said(self) -> str:
        return f"the password is {self.password.resolve()}, the key {self.keys[0].resolve()}"

    async def _report(self, context: StepContext) -> None:
        context.report(self._said)

    async def _raise(self, _context: StepContext) -> None:
        raise OSError(self._said)

    async def _return(self, _context: StepContext) -> StepOutputs:
        return {"details": {"password": self.password.resolve()}}

    async def _tool(self, context: StepContext) -> None:
        program = f"print({self._said!r}); import sys; sys.exit({self._said!r})"
        await run_tool(context, Tool(command=(sys.executable, "-c", program), on_line=context.report))


register_provider("leaky", f"{__name__}:LeakySpec")


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Create an environment that refers to two secrets and prints them."""
    monkeypatch.setenv("PLANTED", ONE)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "key").write_text(MANY + "\n")

    def planted(how: str) -> Path:
        from environments.model.spec import EnvironmentSpec
        from environments.workspace import Workspace

        keys = (SecretRef(file=tmp_path / "key"),)
        spec = LeakySpec(password=SecretRef(env="PLANTED"), keys=keys, how=how)
        Workspace(tmp_path / "data").create(EnvironmentSpec(name="demo", provider=spec))
        (tmp_path / "data" / "demo" / "service.log").write_text(f"started with {ONE} and {MANY}\n")
        return tmp_path

    return planted


def leaks(place: Path, said: str) -> list[str]:
    """Return the places of a part of a secret, except where it was planted."""
    planted = {place / "key", place / "data" / "demo" / "service.log"}
    files = {path: path.read_text(errors="replace") for path in place.rglob("*") if path.is_file()}
    texts = {str(path): text for path, text in files.items() if path not in planted} | {"said": said}
    return [f"{part} in {where}" for where, text in texts.items() for part in PARTS if part in text]


@pytest.mark.parametrize("how", ["report", "raise", "return", "tool"])
def test_no_secret_is_stored_or_printed(
    plant: Callable[[str], Path], how: str, capfd: pytest.CaptureFixture[str]
) -> None:
    place = plant(how)
    data = ["--data-dir", str(place / "data"), "-vv", "--log-file", str(place / "log.jsonl")]

    codes = [
        main([*data, *words.split()])
        for words in (
            "provision demo",
            "retry demo",
            "show demo --json",
            "why demo",
            "history demo",
            "history demo --json",
            "logs demo",
            "logs demo --trace",
            "verify demo",
            "destroy demo --yes",
            "list",
        )
    ]
    logger.remove()

    said = "".join(capfd.readouterr())
    assert "***" in said
    assert leaks(place, said) == []
    assert codes[0] == (0 if how == "report" else 6)


def test_all_files_are_readable_by_their_owner_only(plant: Callable[[str], Path]) -> None:
    place = plant("raise")
    main(["--data-dir", str(place / "data"), "provision", "demo"])

    made = [path for path in (place / "data").rglob("*") if path.name != "service.log"]
    assert [path for path in [place / "data", *made] if path.stat().st_mode & 0o077] == []
    assert any(path.parent.name == "traces" for path in made)


@pytest.mark.parametrize("form", ["{}", "a{}b", '"{}"'])
def test_a_secret_is_found_in_every_written_form(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    import json
    from urllib.parse import quote

    monkeypatch.setenv("PLANTED", ONE)
    redact = redactor(LeakySpec(password=SecretRef(env="PLANTED")))

    for written in (ONE, quote(ONE, safe=""), json.dumps(ONE)[1:-1]):
        assert redact(form.format(written)) == form.format("***")


@pytest.mark.parametrize("value", ["", "a", "abc"])
def test_a_very_short_secret_is_not_redacted(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PLANTED", value)

    assert redactor(LeakySpec(password=SecretRef(env="PLANTED")))("an abc") == "an abc"


def test_an_unreadable_secret_is_no_error() -> None:
    redact = redactor(
        LeakySpec(password=SecretRef(env="NO_SUCH_VARIABLE"), keys=(SecretRef(file="/no/x"),))
    )

    assert redact("as it is") == "as it is"
