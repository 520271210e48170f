"""The lifecycle of a real service that prints its secrets: only its own log has them."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
from loguru import logger

from environments.cli.app import main
from environments.cli.commands.logs import follow_log
from environments.model.provider_kinds import ProviderSpec, register_provider
from environments.secrets.references import SecretRef
from environments.system.files import OwnPath

PASSWORD = "s3cr&t/\"pass'wörd"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqh\nkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----"
LITERAL = "spelt-out-swordfish"
TRACES = [
    PASSWORD,
    json.dumps(PASSWORD)[1:-1],
    repr(PASSWORD)[1:-1],
    quote(PASSWORD, safe=""),
    base64.b64encode(PASSWORD.encode()).decode()[:-4],
    base64.b64encode(b"ann:" + PASSWORD.encode()).decode()[8:-4],
    "MIIEvQIBADANBgkqh",
    "kiG9w0BAQEFAASC",
    LITERAL,
]

TELLING = """
import base64, json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote

password, key = os.environ["DB_PASSWORD"], os.environ["SIGNING_KEY"]
basic = base64.b64encode(f"ann:{password}".encode()).decode()
for form in (password, json.dumps(password), repr(password), quote(password, safe=""), basic, key):
    print("I know", form, flush=True)
"""
SERVING = """
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['ENVCHART_INSTANCE_TOKEN']} {password} {key}".encode())

    def log_message(self, *words):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever(0.02)
"""
REFUSING = """
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.wfile.write(f"HTTP/1.0 500 {quote(password)}\\r\\n\\r\\n{password} {key}".encode())

    def log_message(self, *words):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever(0.02)
"""
CRASHING = "raise RuntimeError(f'{password} and {key!r} are wrong')"


class BlunderingSpec(ProviderSpec, frozen=True, extra="forbid"):
    """A provider with a bug that quotes a secret."""

    kind: Literal["blundering"] = "blundering"
    password: SecretRef

    def supports(self, command: object) -> bool:
        return True

    def steps(self, command: object, environment: object) -> Any:
        logger.patch(lambda record: record.update(name="environments")).info(self.password.resolve())
        raise RuntimeError(f"nobody expected {self.password.resolve()}")


register_provider("blundering", f"{__name__}:BlunderingSpec")


@dataclass
class Life:
    """A lifecycle on the command line; `said` collects all output."""

    place: Path
    capture: pytest.CaptureFixture[str]
    said: list[str] = field(default_factory=list)

    def __call__(self, words: str, *more: object) -> int:
        options = ["-vv", "--log-file", self.place / "log.jsonl", "--data-dir", self.data]
        code = main([str(word) for word in (*options, *words.split(), *more)])
        self.said.append("".join(self.capture.readouterr()))
        return code

    @property
    def data(self) -> Path:
        return self.place / "data"

    def write_app(self, ending: str) -> Path:
        app = self.place / "app"
        app.mkdir(exist_ok=True)
        (app / "app.py").write_text(TELLING + ending)
        return app

    def write_spec(self, env: str) -> Path:
        file = self.place / "env.yaml"
        limits = "start_timeout: 5, settle: 0.1, stop_grace: 1"
        file.write_text(f"name: demo\nprovider: {{kind: local, app: ./app, {limits}, env: {env}}}\n")
        return file

    def leaks(self) -> list[str]:
        """Return the places where a form of a secret is found, except the service's own log."""
        own = ("service.log", "candidate.log")
        files = [path for path in self.place.rglob("*") if path.is_file() and path.name not in own]
        texts = {str(path.relative_to(self.place)): path.read_text(errors="replace") for path in files}
        texts |= {f"output {number}": said for number, said in enumerate(self.said)}
        return [f"{form} in {where}" for where, text in texts.items() for form in TRACES if form in text]


@pytest.fixture
def life(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Iterator[Life]:
    kept = tmp_path_factory.mktemp("kept")
    (kept / "key").write_text(KEY + "\n")
    monkeypatch.setenv("PLANTED", PASSWORD)
    monkeypatch.setenv("PLANTED_KEY", str(kept / "key"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    life = Life(tmp_path, capfd)
    life.write_app(SERVING)
    yield life
    if life.data.exists():
        life("destroy demo --yes")
    logger.remove()


@pytest.fixture
def up(life: Life) -> Life:
    """The environment, created by references and running."""
    key = os.environ["PLANTED_KEY"]
    references = ("--env", "DB_PASSWORD=@env:PLANTED", "--env", f"SIGNING_KEY=@file:{key}")
    assert life("create demo --app", life.place / "app", *references) == 0
    file = life.write_spec(f"{{DB_PASSWORD: {{env: PLANTED}}, SIGNING_KEY: {{file: {key}}}}}")
    assert life("update demo --file", file) == 0
    assert life("up demo") == 0
    return life


READING = (
    "show demo",
    "show demo --json",
    "why demo",
    "why demo --json",
    "history demo",
    "history demo --json",
    "logs demo",
    "logs demo --json",
    "logs demo --trace",
    "verify demo",
    "list --json",
)


@pytest.mark.parametrize("ending", [SERVING, CRASHING, REFUSING], ids=["healthy", "crashing", "refusing"])
def test_only_the_services_own_log_has_its_secrets(up: Life, ending: str) -> None:
    up.write_app(ending)
    codes = [up("release demo"), up("run demo"), up("retry demo")]
    for words in READING:
        up(words)

    assert codes == ([0, 0, 4] if ending == SERVING else [0, 6, 6])
    assert PASSWORD in (up.data / "demo/local/service.log").read_text()
    assert "I know ***" in "".join(up.said)
    assert up.leaks() == []

    assert up("destroy demo --yes") == 0
    assert up.leaks() == []


@pytest.mark.parametrize(
    "env",
    [
        f"{{DB_PASSWORD: {LITERAL}}}",
        f"{{DATABASE_URL: 'postgres://ann:{LITERAL}@db/app'}}",
        f"{{DB_PASSWORD: [{LITERAL}]}}",
        f"DB_PASSWORD={LITERAL}",
        f"{{DB_PASSWORD: *{LITERAL}}}",
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(up: Life, env: str) -> None:
    file = up.write_spec(env)

    codes = [up("create --file", file), up("update demo --file", file)]
    file.unlink()

    assert codes == [2, 2]
    assert up.leaks() == []


def test_a_secret_on_the_command_line_is_refused_with_an_alternative(life: Life) -> None:
    code = life("create demo --app", life.place / "app", "--env", f"DB_PASSWORD={LITERAL}")

    assert code == 2
    assert "--env DB_PASSWORD=@env:VARIABLE" in life.said[-1]
    assert not (life.data / "demo").exists()
    assert life.leaks() == []


def test_an_unexpected_error_is_reported_without_its_secret(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    (life.place / "env.yaml").write_text(
        "name: wild\nprovider: {kind: blundering, password: {env: PLANTED}}\n"
    )
    life("create --file", life.place / "env.yaml")
    monkeypatch.setattr("sys.argv", ["envchart", "create", "--env", f"A={LITERAL}", f"--env=B={LITERAL}"])

    code = life("provision wild")

    (report,) = (life.place / "tmp").glob("envchart-*.traceback.txt")
    assert code == 1
    assert "nobody expected ***" in report.read_text()
    assert "'--env', 'A=***', '--env=B=***'" in report.read_text()
    assert "***" in (life.place / "log.jsonl").read_text()
    assert life.leaks() == []


@pytest.fixture(params=[0o000, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_the_data_directory_is_readable_by_its_owner_only(
    life: Life, request: pytest.FixtureRequest
) -> None:
    up: Life = request.getfixturevalue("up")
    up.write_app(CRASHING)
    up("release demo")
    up("run demo")

    assert modes(path for path in up.data.rglob("*") if path.is_file()) == {0o600}
    assert modes(path for path in [up.data, *up.data.rglob("*")] if path.is_dir()) == {0o700}


def modes(paths: Iterable[Path]) -> set[int]:
    """Return the modes of paths, apart from links, which have none of their own."""
    return {stat.S_IMODE(path.stat().st_mode) for path in paths if not path.is_symlink()}


def test_an_incomplete_log_line_is_held_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "service.log"
    log.write_text("I know hun")
    meanwhile = [lambda: log.write_text("I know hunter2\nand"), lambda: None, log.unlink]
    monkeypatch.setattr("time.sleep", lambda _seconds: meanwhile and meanwhile.pop(0)())

    follow_log(OwnPath.of(log), 0, lambda text: text.replace("hunter2", "***"))

    assert capfd.readouterr().out == "I know ***\nand"
