"""Whatever changes: what `drift` reports, `up` plans and ends, and then the declaration is served."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

from environments import DriftKind, EnvironmentSpec, Workspace
from environments.convergence.settled import already_running
from environments.providers.local import LocalProvider
from statechart.storage.layout import Layout

SERVER = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        config = Path(os.environ["ENVCHART_CONFIG"])
        files = {each.name: each.read_text() for each in config.iterdir() if each.suffix != ".json"}
        told = {"level": os.environ.get("LEVEL"), "files": files, "app": Path("text").read_text()}
        token = os.environ["ENVCHART_INSTANCE_TOKEN"]
        self.send_response(200)
        self.end_headers()
        self.wfile.write((token if self.path == "/health" else json.dumps(told)).encode())

    def log_message(self, *words):
        pass

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Answers).serve_forever()
"""


@dataclass
class World:
    """An environment of the local provider, its declaration and its application."""

    place: Path
    declared: dict[str, Any] = field(default_factory=lambda: {"env": {}, "files": {}})
    text: str = "first"

    def __post_init__(self) -> None:
        self.app = self.place / "app"
        self.app.mkdir()
        (self.app / "app.py").write_text(SERVER)
        self.write("first")
        self.workspace = Workspace(self.place / "data")
        self.workspace.create(self.spec)

    @property
    def spec(self) -> EnvironmentSpec:
        grace = {"settle": 0, "stop_grace": 1}
        provider = LocalProvider.model_validate({"app": self.app, **grace, **self.declared})
        return EnvironmentSpec(name="web", provider=provider)

    @property
    def local(self) -> Path:
        return self.place / "data" / "web" / "local"

    def write(self, text: str) -> None:
        self.text = text
        (self.app / "text").write_text(text)

    def served(self) -> dict[str, Any]:
        url = str(self.workspace.load("web").outputs.url)
        with urllib.request.urlopen(url, timeout=10) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    async def change(self, change: str, value: str) -> None:
        """Change the declaration, the application or the world."""
        match change:
            case "variable":
                self.declared["env"] = {"LEVEL": value}
            case "file":
                self.declared["files"] = {"settings.ini": f"level = {value}\n", f"{value}.txt": "x"}
            case "patience":  # no command applies it
                self.declared["start_timeout"] = 20 + len(value)
            case "app":
                self.write(value)
            case "app file":
                (self.app / f"{value}.txt").write_text("")
            case "kill" if (self.local / "instance.json").exists():
                process = json.loads((self.local / "instance.json").read_text())["process"]
                if psutil.pid_exists(process["pid"]):
                    psutil.Process(process["pid"]).kill()
            case "edit" if self.local.exists():
                (self.local / "config" / "by-hand.ini").write_text(value)
            case "edit variables" if self.local.exists():
                (self.local / "config" / "environment.json").write_text(value)
            case "damage" if self.local.exists():
                release = self.workspace.load("web").outputs.release
                (self.local / "releases" / str(release) / "text").write_text(f"damaged by {value}")
            case "forget":
                (self.local / "instance.json").unlink(missing_ok=True)
            case "unclaim":
                for claim in (self.place / "data" / ".ports").glob("[0-9]*"):
                    claim.unlink()
            case "remove":
                shutil.rmtree(self.local, ignore_errors=True)
        await self.workspace.update("web", self.spec)

    def told_at_once(self, patience: float = 0) -> bool:
        """Return whether `up` would tell without a closer look that there is nothing to do."""
        until = time.monotonic() + patience
        while already_running(Layout(self.place / "data"), "web") is None:
            if time.monotonic() >= until:
                return False
            time.sleep(0.05)  # a service on a busy machine may be slow to answer
        return True

    async def round(self, changed: list[tuple[str, str]]) -> None:
        """Change something, and make the environment what is declared again."""
        for change, value in changed:
            await self.change(change, value)
        drift, plan = await self.workspace.drift("web"), await self.workspace.preview("web")
        assert bool(drift.findings) == bool(plan or plan.obstacles), (drift.findings, plan)
        told_at_once = await asyncio.to_thread(self.told_at_once)
        assert not (told_at_once and drift.findings), (drift.findings, changed)
        assert any(each.kind is DriftKind.HOST_GONE for each in drift.findings) == bool(plan.obstacles)

        await self.workspace.converge("web", recreate=True)

        assert (await self.workspace.drift("web")).findings == ()
        assert not await self.workspace.preview("web")
        before = self.workspace.load("web")
        assert await self.workspace.converge("web") == before, "nothing is done twice"
        assert await asyncio.to_thread(self.told_at_once, patience=30)
        files = self.declared["files"]
        assert self.served() == {
            "level": self.declared["env"].get("LEVEL"),
            "files": files,
            "app": self.text,
        }


async def live(rounds: list[list[tuple[str, str]]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        world = World(Path(place))
        await world.workspace.converge("web")
        try:
            for changed in rounds:
                await world.round(changed)
        finally:
            await world.workspace.destroy("web")


CHANGES = [
    "variable",
    "file",
    "patience",
    "app",
    "app file",
    "kill",
    "edit",
    "edit variables",
    "damage",
    "forget",
    "unclaim",
    "remove",
]
ROUNDS = st.lists(
    st.lists(st.tuples(st.sampled_from(CHANGES), st.sampled_from(["info", "debug"])), max_size=3),
    min_size=1,
    max_size=3,
)
COMMON = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(COMMON, max_examples=1)
@example(
    [
        [("variable", "debug")],
        [("file", "debug"), ("kill", "")],
        [("damage", "x"), ("forget", "")],
        [("unclaim", "")],
    ]
)
@example(
    [[("patience", "x")], [("app", "debug"), ("edit", "x")], [("edit variables", "{}")], [("kill", "")]]
)
@given(ROUNDS)
def test_what_drift_reports_up_ends(rounds: list[list[tuple[str, str]]]) -> None:
    asyncio.run(live(rounds))


@pytest.mark.soak
@settings(COMMON, max_examples=60)
@given(ROUNDS)
def test_what_drift_reports_up_ends_in_the_long_form(rounds: list[list[tuple[str, str]]]) -> None:
    asyncio.run(live(rounds))
