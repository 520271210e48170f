"""The examples do what their pages say, run as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

pytestmark = pytest.mark.pages

EXAMPLES = Path(__file__).parents[2] / "examples"
Ended: TypeAlias = subprocess.CompletedProcess[str]
Run: TypeAlias = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs Python in an empty directory, and returns how it ended."""

    def runs(*arguments: str | Path, text: str = "", environ: dict[str, str] | None = None) -> Ended:
        return subprocess.run(
            [sys.executable, "-W", "error", *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1", **(environ or {})},
            input=text,
            capture_output=True,
            text=True,
        )

    return runs


@pytest.fixture
def broken_app(tmp_path: Path) -> Path:
    app = tmp_path / "broken"
    app.mkdir()
    (app / "app.py").write_text("raise SystemExit('out of luck')\n")
    return app


def test_each_example_has_a_page() -> None:
    folders = sorted(path for path in EXAMPLES.iterdir() if path.is_dir() and path.name[0].isalnum())

    assert [path.name for path in folders if not (path / "README.md").is_file()] == []


@pytest.fixture
def shop(run: Run) -> Run:
    return lambda *arguments, **given: run(EXAMPLES / "order" / "shop.py", *arguments, **given)


@pytest.fixture(scope="module")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an order that is paid."""
    place = tmp_path_factory.mktemp("orders")
    for line in ("new A-1", "add A-1 tea 3.50 --count 2", "pay A-1 7"):
        subprocess.run(
            [sys.executable, EXAMPLES / "order" / "shop.py", *line.split()], cwd=place, check=True
        )
    return place


@pytest.fixture
def paid(orders: Path, tmp_path: Path) -> None:
    shutil.copytree(orders, tmp_path, dirs_exist_ok=True)


@pytest.mark.usefixtures("paid")
def test_an_order_goes_its_way_and_tells_it(shop: Run) -> None:
    packed = shop("pack", "A-1", text="\n")
    shipped = shop("ship", "A-1", "T-1")
    told = shop("history", "A-1")

    assert packed.stdout.endswith("A-1 is packed: 2 items, 7.00\nnext: ship, cancel\n")
    assert shipped.stdout == "A-1 is shipped: 2 items, 7.00\nno event can follow\n"
    assert [line.split(": ")[1] for line in told.stdout.splitlines()] == [
        "created",
        "add -> draft",
        "pay -> paid",
        "pack -> packed",
        "ship -> shipped",
    ]


WRONG_ORDERS = [
    ("pay A-1 7", 1, "cannot pay 'A-1' in state draft: there is nothing in the order"),
    ("ship A-1 T-1", 1, "cannot ship 'A-1' in state draft: allowed now are add, cancel"),
    ("new A-1", 1, "'A-1' already exists"),
    ("show A-2", 1, "there is no 'A-2'"),
    ("new ../A-2", 1, "'../A-2'"),
    ("add A-1 tea 3,50", 2, "'3,50' is not an amount; write it as 12.50"),
    ("add A-1 tea 1 --count 0", 2, "'0' is not a number of items"),
    ("pay A-1 1e99", 2, "'1e99' is not an amount"),
]


def test_a_shop_says_what_is_wrong(shop: Run) -> None:
    shop("new", "A-1")

    for line, code, said in WRONG_ORDERS:
        refused = shop(*line.split())

        assert (line, refused.returncode, refused.stdout) == (line, code, "")
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.fixture
def packing(paid: None, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A clerk who packs the order and has not pressed Enter."""
    command = [sys.executable, str(EXAMPLES / "order" / "shop.py"), "pack", "A-1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, text=True, bufsize=1) as clerk:
        assert clerk.stdout is not None
        assert clerk.stdout.read(len("pack A-1")) == "pack A-1"
        yield clerk
        clerk.kill()


def test_two_clerks_do_not_change_one_order_at_once(shop: Run, packing: subprocess.Popen[str]) -> None:
    refused = shop("cancel", "A-1", "changed my mind")
    packing.communicate("\n")

    assert refused.returncode == 1
    assert f"'A-1' is locked: shop.py pack, pid {packing.pid}" in refused.stderr
    assert packing.returncode == 0
    assert shop("show", "A-1").stdout.startswith("A-1 is packed")


def test_a_clerk_who_dies_leaves_the_order_as_it_was(shop: Run, packing: subprocess.Popen[str]) -> None:
    packing.kill()
    packing.wait()

    assert shop("show", "A-1").stdout.startswith("A-1 is paid")
    assert shop("cancel", "A-1", "nobody packs").returncode == 0


@pytest.fixture
def deploy(run: Run) -> Iterator[Run]:
    program = EXAMPLES / "embed" / "deploy.py"
    yield lambda *arguments: run(program, *arguments)
    run(program, "down", "demo")


def test_a_tool_brings_an_app_up_and_down(deploy: Run, tmp_path: Path) -> None:
    up = deploy("up", "demo")
    again = deploy("up", "demo")
    down = deploy("down", "demo")

    assert (up.returncode, up.stderr) == (0, "")
    assert up.stdout.startswith("plan: provision, configure, release, run\nprovision: 2 steps\n")
    assert "demo is running at http://127.0.0.1:" in up.stdout
    assert again.stdout.startswith("plan: nothing to do\ndemo is running at")
    assert down.stdout.endswith("demo is destroyed\nnext: up\n")
    assert not (tmp_path / "data" / "demo" / "local").exists()


def test_a_tool_tells_of_an_app_that_fails_and_mends_it(deploy: Run, broken_app: Path) -> None:
    failed = deploy("up", "demo", "--app", broken_app)
    mended = deploy("up", "demo")

    assert failed.returncode == 1
    assert "deploy.py: run of 'demo' failed at check_health: the app exited with status 1" in failed.stderr
    assert "next: fix the cause and run up again, or run down\n" in failed.stderr
    assert "demo is running at" in mended.stdout


def test_a_tool_tells_who_is_at_work_and_who_died(deploy: Run, tmp_path: Path) -> None:
    app = tmp_path / "slow"
    app.mkdir()
    (app / "app.py").write_text("import time; time.sleep(600)\n")
    up = [sys.executable, "-u", EXAMPLES / "embed" / "deploy.py", "up", "demo", "--app", app]

    with subprocess.Popen(up, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert any("start_service" in line for line in first.stdout)  # it waits for the app to be healthy
        busy = deploy("down", "demo")
        first.kill()
    dead = deploy("up", "demo")

    assert busy.returncode == 3
    assert f"pid {first.pid}" in busy.stderr
    assert dead.returncode == 4
    assert "run of 'demo' was interrupted" in dead.stderr
    assert "next: envchart --data-dir data recover demo\n" in dead.stderr


def test_a_tool_says_what_is_wrong(run: Run) -> None:
    for line, code, said in (
        ("up Demo", 2, "try 'demo'"),
        ("up demo --app nowhere", 5, "nowhere does not exist"),
        ("down demo", 5, "there is no 'demo'"),
    ):
        refused = run(EXAMPLES / "embed" / "deploy.py", *line.split())

        assert (line, refused.returncode) == (line, code)
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's provider, installed beside everything else; a build writes beside its source."""
    place = tmp_path_factory.mktemp("provider")
    source = shutil.copytree(EXAMPLES / "provider", place / "source")
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "install", *options, "--target", place / "installed", source]
    ended = subprocess.run(pip, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return place / "installed"


@pytest.fixture
def envchart(run: Run, installed: Path) -> Run:
    """The envchart command, with the example's provider installed."""
    return lambda *arguments: run("-m", "environments", *arguments, environ={"PYTHONPATH": str(installed)})


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The example's file, that publishes in the test's own directory."""
    declared = (EXAMPLES / "provider" / "site.yaml").read_text()
    pages = tmp_path / "site"
    pages.mkdir()
    (pages / "index.html").write_text("<h1>First</h1>\n")
    path = tmp_path / "site.yaml"
    path.write_text(declared.replace("root: /tmp/envchart-sites", "root: public"))
    return path


def test_a_provider_of_ones_own_publishes_and_takes_away(envchart: Run, site: Path, tmp_path: Path) -> None:
    home = tmp_path / "public" / "envchart-handbook"

    assert envchart("create", "--file", site).returncode == 0
    up = envchart("up", "handbook")
    assert up.returncode == 0, up.stderr
    assert (home / "current" / "index.html").read_text() == "<h1>First</h1>\n"

    (tmp_path / "site" / "index.html").write_text("<h1>Second</h1>\n")
    envchart("release", "handbook")
    assert (home / "current" / "index.html").read_text() == "<h1>First</h1>\n"
    (tmp_path / "site" / "index.html").write_text("<h1>Second</h1>\n\n")
    assert "release     the files in" in envchart("up", "handbook", "--plan").stdout
    (tmp_path / "site" / "index.html").write_text("<h1>Second</h1>\n")
    envchart("run", "handbook")
    assert (home / "current" / "index.html").read_text() == "<h1>Second</h1>\n"

    stopped = envchart("stop", "handbook")
    assert (stopped.returncode, stopped.stdout) == (0, "handbook is released\n")
    assert not (home / "current").exists()

    destroyed = envchart("destroy", "handbook", "--yes")
    assert destroyed.returncode == 0, destroyed.stderr
    assert list((tmp_path / "public").iterdir()) == []


def test_a_provider_looks_at_the_real_thing(envchart: Run, run: Run, installed: Path, site: Path) -> None:
    script = """if True:
        import asyncio
        from environments import Workspace
        workspace = Workspace("data")
        site = workspace.load("handbook")
        print(asyncio.run(site.spec.provider.observe(site, workspace.directory("handbook"))).service)
    """

    def look() -> str:
        return run("-c", script, environ={"PYTHONPATH": str(installed)}).stdout

    envchart("create", "--file", site)
    envchart("up", "handbook")
    assert look() == "up\n"

    shutil.rmtree(site.parent / "public" / "envchart-handbook")

    assert look() == "down\n"


def test_a_provider_touches_nothing_that_is_not_its_own(envchart: Run, site: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "public" / "envchart-handbook"
    foreign.mkdir(parents=True)
    (foreign / "precious.txt").write_text("mine")
    envchart("create", "--file", site)

    up = envchart("up", "handbook")
    down = envchart("destroy", "handbook", "--yes")

    assert (up.returncode, down.returncode) == (6, 6)
    assert "is not this environment's" in up.stderr
    assert [path.name for path in (tmp_path / "public").rglob("*")] == ["envchart-handbook", "precious.txt"]


def test_a_provider_says_what_is_wrong_with_its_pages(envchart: Run, site: Path, tmp_path: Path) -> None:
    (tmp_path / "site" / "index.html").unlink()

    refused = envchart("create", "--file", site)

    assert refused.returncode == 2
    assert "contains no index.html" in refused.stderr


def test_the_suite_passes_with_the_plugin_as_it_is_installed(run: Run) -> None:
    suite = EXAMPLES / "pytest_scenarios"

    ended = run("-m", "pytest", "-q", "-p", "no:cacheprovider", suite)

    assert ended.returncode == 0, ended.stdout
    assert " passed" in ended.stdout


def test_the_diagrams_of_the_page_are_fresh(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES / "order"))
    page = EXAMPLES / "docs_diagrams" / "guide.md"

    fresh = run("-m", "statechart", "docs", "check", page)

    assert (fresh.returncode, fresh.stdout) == (0, "")
    assert "s_draft --> s_paid" in page.read_text()


def test_the_json_log_has_the_bound_fields_of_each_transition(run: Run) -> None:
    ended = run(EXAMPLES / "log_sinks" / "json_log.py")

    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    taken = [line for line in lines if line["message"] == "Environment state transition"]
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [line["event"] for line in taken] == [
        *("provision", "complete", "configure", "complete", "release", "complete", "run", "destroy")
    ]
    assert (taken[0]["from_state"], taken[0]["to_state"]) == ("created", "provisioning")
    assert taken[0]["environment_name"] == "logged"


def _spans(output: str) -> list[dict[str, object]]:
    decoder, spans, position = json.JSONDecoder(), [], 0
    while position < len(output):
        span, end = decoder.raw_decode(output, position)
        spans.append(span)
        position = end + 1
    return spans


def _named(spans: list[dict[str, object]], name: str) -> dict[str, object]:
    return next(span for span in spans if span["name"] == name)


def test_commands_and_steps_are_spans_with_their_transitions(run: Run) -> None:
    ended = run(EXAMPLES / "log_sinks" / "spans.py")

    spans = _spans(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    command, step = _named(spans, "provision"), _named(spans, "reserve_port")
    assert [span["name"] for span in spans if span["parent_id"] is None] == [
        *("provision", "configure", "release", "run", "destroy")
    ]
    assert step["parent_id"] == command["context"]["span_id"]  # type: ignore[index]
    assert "Environment state transition" in json.dumps(command["events"])


def test_a_failed_step_is_a_span_with_an_error(run: Run, broken_app: Path) -> None:
    ended = run(EXAMPLES / "log_sinks" / "spans.py", "--app", broken_app)

    spans = _spans(ended.stdout)
    assert ended.returncode == 1
    for name in ("check_health", "run"):
        assert _named(spans, name)["status"]["status_code"] == "ERROR"  # type: ignore[index]
    assert "trace_id" in _named(spans, "run")["attributes"]  # type: ignore[operator]
