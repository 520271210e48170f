"""`python -m statechart dashboard`: its start, its end, and what it says of wrong input."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from statechart import ChartRepository
from statechart.answers.spelling import Spelling
from statechart.cli import loading
from statechart.cli.settings import Settings
from statechart.dashboard.guard import Access
from statechart.dashboard.serving import launch
from statechart.dashboard.serving.options import Wanted
from tests.cli.conftest import Ran
from tests.statechart.cli.conftest import cli as cli  # the fixture
from tests.statechart.dashboard.charts.parcels import Parcel, ParcelChart

MODULE = "tests.statechart.dashboard.charts.parcels"
CHART = f"{MODULE}:ParcelChart"
ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("words", "said", "following"),
    [
        ((), "Missing argument 'MODULE:CHART'", "dashboard --help"),
        ((f"{MODULE}:Parsel",), "its charts are", "python -m statechart --help"),
        (("nope:Chart",), "there is no module nope", "python -m statechart --help"),
        ((f"{MODULE}:Parcel",), "not a chart", "python -m statechart --help"),
        ((CHART, "--store", "a_file"), "a_file is not a directory", "--store DIR"),
        ((CHART, "--port", "70000"), "70000 is no port", "--port 8731"),
        ((CHART, "--port", "x"), "is not a whole number", "dashboard --help"),
        ((CHART, "--host", "0.0.0.0"), "without TLS", "--allow-host NAME"),
        ((CHART, "--host", ""), "--host '' opens", "--host '' --allow-host NAME"),
        *(
            ((CHART, "--allow-host", name), "is not as browsers send a name", "envs.example.org")
            for name in ("", "*", "http://here/", "::1", "here:", "here:99999", "h\u00e9re", "a b", "here.")
        ),
        *(
            ((CHART, "--root-path", path), "is no path", "--root-path /envs")
            for path in ("envs", "//envs", "/envs?", "/envs\u00fc", "/../envs")
        ),
        ((f"{MODULE}:parcels", "--store", "x"), "leave --store away", "list"),
    ],
)
def test_wrong_words_are_refused_with_what_to_type(
    cli: Any, tmp_path: Path, words: tuple[str, ...], said: str, following: str
) -> None:
    (tmp_path / "a_file").write_text("")

    ran: Ran = cli("dashboard", *words)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert following in ran.err.partition("next: ")[2]


def test_a_port_in_use_is_a_conflict_that_names_who_has_it(cli: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = cli("dashboard", CHART, "--port", str(taken.getsockname()[1]))

    assert ran.code == 5
    assert "is in use by" in ran.err
    assert f"python -m statechart dashboard {CHART} --port 0" in ran.err


def test_without_the_extra_one_line_says_what_to_install(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "statechart.dashboard.charts.app", raising=False)
    monkeypatch.delitem(sys.modules, "statechart.dashboard.site", raising=False)
    monkeypatch.setitem(sys.modules, "starlette.exceptions", None)

    ran = cli("dashboard", CHART)

    assert ran.code == 2
    assert "next: pip install 'envchart[dashboard]'" in ran.err
    assert len(ran.err.splitlines()) == 2


def test_commands_to_copy_work_in_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = Path(f"{ROOT}/{MODULE.replace('.', '/')}.py").read_text()
    (tmp_path / "own_parcels.py").write_text(source)
    typed = Settings(reference="own_parcels.py:ParcelChart", chosen_store=Path("my store"))
    named = Settings(reference=f"{MODULE}:parcels")

    of_file = loading.lasting_spelling(typed, loading.repository(typed))
    of_repository = loading.lasting_spelling(named, loading.repository(named))

    assert of_file.spell("show NAME", "A-1") == (
        f"python -m statechart show {tmp_path}/own_parcels.py:ParcelChart A-1 --store '{tmp_path}/my store'"
    )
    assert of_repository.spell("list") == f"python -m statechart list {MODULE}:parcels"


def test_commands_of_an_embedded_repository_find_it(
    parcels: ChartRepository[Parcel], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[MODULE]
    store = parcels.files.root
    migrated = ChartRepository(store, ParcelChart, schema_version=2, migrations={1: dict})
    monkeypatch.setattr(module, "migrated", migrated, raising=False)

    assert Spelling.of(migrated).spell("list") == f"python -m statechart list {MODULE}:migrated"
    assert Spelling.of(parcels).spell("list") == (
        f"python -m statechart list {MODULE}:ParcelChart --store {store}"
    )
    # The program itself declares the chart.
    monkeypatch.setitem(sys.modules, "__main__", module)
    monkeypatch.setattr(ParcelChart, "__module__", "__main__")
    assert Spelling.of(parcels).spell("list") == (
        f"python -m statechart list {module.__file__}:ParcelChart --store {store}"
    )


def test_a_server_shows_the_store_until_ctrl_c(parcels: ChartRepository[Parcel]) -> None:
    parcels.create("A-1", Parcel())
    words = ["dashboard", CHART, "--store", parcels.files.root, "--port", "0", "--json"]
    server = subprocess.Popen(
        [sys.executable, "-m", "statechart", *words], cwd=ROOT, stdout=-1, stderr=-1, text=True
    )
    with server:
        try:
            assert server.stdout is not None
            said = ""
            while not said.endswith("}\n"):
                said += server.stdout.readline()
            started = json.loads(said)
            url = f"http://127.0.0.1:{started['port']}/api/v1/values/A-1"
            asking = urllib.request.Request(url, headers={"Authorization": f"Bearer {started['token']}"})
            with urllib.request.urlopen(asking, timeout=60) as answer:
                shown = json.load(answer)
            server.send_signal(signal.SIGINT)
            code = server.wait(60)
        finally:
            server.kill()

    assert shown["next"][0] == f"python -m statechart fire {CHART} A-1 post --store {parcels.files.root}"
    assert code == 128 + signal.SIGINT


@pytest.mark.parametrize(
    ("options", "address", "host"),
    [
        ({}, "http://127.0.0.1:{port}/", "localhost:{port}"),
        ({"host": "127.0.0.2"}, "http://127.0.0.2:{port}/", "127.0.0.2:{port}"),
        ({"root_path": "/envs/"}, "http://127.0.0.1:{port}/envs/", "127.0.0.1:{port}"),
        ({"host": "0.0.0.0", "allowed": ("here",)}, "http://here:{port}/", "here"),
        ({"host": "0.0.0.0", "allowed": ("[fd00::1]",)}, "http://[fd00::1]:{port}/", "[fd00::1]:{port}"),
        ({"host": "0.0.0.0", "allowed": ("here:8443",)}, "http://here:8443/", "here:8443"),
    ],
)
def test_the_address_that_is_printed_is_allowed(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    address: str,
    host: str,
) -> None:
    served: list[Access] = []

    def serve(access: Access, listening: socket.socket, *, ready: Any, **_: object) -> None:
        served.append(access)
        ready()
        listening.close()

    monkeypatch.setattr(launch, "serve", serve)
    wanted = {"host": "127.0.0.1", "port": 0, "allowed": (), "root_path": "", "token_file": None}
    settings = Settings(json=True)

    checked = Wanted(**{**wanted, "needs_token": True, "opens": False, **options}).checked(settings)
    launch.launch(settings, checked, "dashboard", lambda access: access)  # type: ignore[arg-type, return-value]

    said = json.loads(capsys.readouterr().out)
    assert said["url"] == f"{address}#token={{token}}".format(**said)
    assert host.format(**said) in served[0].hosts


def test_a_browser_is_opened_without_the_token_among_its_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    pages: list[str] = []

    def serve(_access: Access, listening: socket.socket, *, ready: Any, **_: object) -> None:
        ready()
        listening.close()
        file = Path(opened[0].removeprefix("file://"))
        assert file.parent.stat().st_mode & 0o077 == 0
        pages.append(file.read_text())

    monkeypatch.setattr(launch, "serve", serve)
    monkeypatch.setattr("webbrowser.open", opened.append)
    wanted = Wanted("127.0.0.1", 0, (), "", None, needs_token=True, opens=True)

    launch.launch(Settings(json=True), wanted, "dashboard", lambda access: access)  # type: ignore[arg-type, return-value]

    said = json.loads(capsys.readouterr().out)
    assert said["token"] not in opened[0]
    assert f"url={said['url']}" in pages[0]
    assert not Path(opened[0].removeprefix("file://")).exists()
