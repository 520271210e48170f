"""The demo of `make demo`: a real environment, from nothing to running and back."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("ENVCHART_DEMO_DIR", ROOT / "demo-data"))
NAME = "demo"
ENVCHART = [str(Path(sys.executable).parent / "envchart")]
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def tell(title: str, why: str) -> None:
    """Print the title of the next part, and why it matters."""
    print(f"\n{BOLD}{title}{PLAIN}\n{DIM}{why}{PLAIN}", flush=True)


def envchart(*arguments: str, expect: int = 0) -> None:
    """Run envchart as a user would, and end the demo on an unexpected exit code."""
    print(f"$ envchart {shlex.join(arguments)}", flush=True)
    ended = subprocess.run([*ENVCHART, *arguments], check=False, stdin=subprocess.DEVNULL)
    if ended.returncode != expect:
        sys.exit(f"the demo expected exit code {expect}, but got {ended.returncode}")


def shown(*arguments: str) -> dict[str, object]:
    """Run envchart and return its JSON."""
    ended = subprocess.run(
        [*ENVCHART, "--json", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


def fetch(url: str) -> str:
    """Fetch a page over loopback, without any proxy."""
    with build_opener(ProxyHandler({})).open(url, timeout=5) as response:
        body: str = response.read().decode()
    return body


def visit(url: str) -> None:
    """Fetch the page and the health endpoint, and print both answers."""
    page = fetch(url)
    lines = [line.strip() for line in page.splitlines() if "<h1" in line or "<p" in line]
    print(f"GET {url}\n    " + "\n    ".join(lines))
    print(f"GET {url}health\n    {fetch(url + 'health').strip()}", flush=True)


def clear() -> None:
    """Destroy and remove the environment of an earlier run."""
    if (DATA / NAME).exists():
        subprocess.run(
            [*ENVCHART, "destroy", NAME, "--yes"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    shutil.rmtree(DATA, ignore_errors=True)


def second_version() -> Path:
    """Copy the example app and change its version, as a developer would."""
    app = DATA / ".apps" / "hello-2"
    shutil.copytree(ROOT / "examples" / "hello", app, ignore=shutil.ignore_patterns("__pycache__"))
    (app / "version.txt").write_text("2.0\n")
    return app


def gone(label: str, check: Callable[[], bool]) -> None:
    """Check that a resource is gone, and print it."""
    if not check():
        sys.exit(f"{label}: still there")
    print(f"    {label}: gone")


def refused(port: int) -> bool:
    """Return whether a port refuses connections."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def unanswered(url: str) -> bool:
    """Return whether a page can't be fetched."""
    try:
        fetch(url)
    except URLError:
        return True
    return False


def bring_up() -> str:
    """Bring the environment from nothing to running, and return its URL."""
    tell("Create an environment.", "This records its name and its spec, durably. No resources exist yet.")
    envchart(
        "create", NAME, "--app", str(ROOT / "examples" / "hello"), "--env", "GREETING=Hello from envchart"
    )
    tell(
        "Provision it.",
        "Directories and a port are reserved. Each step is recorded before and after it runs.",
    )
    envchart("provision", NAME)
    tell("Configure it.", "The configuration is written. Configuring again would change nothing.")
    envchart("configure", NAME)
    tell(
        "Run it at once: a mistake.",
        "The chart refuses the command and names the allowed ones; nothing changes.",
    )
    envchart("run", NAME, expect=4)
    tell("Release the app.", "The app is copied under the hash of its content, so a release never changes.")
    envchart("release", NAME)
    tell(
        "Run it.",
        "`running` means that this very process passed its health check, not only that a command ended.",
    )
    envchart("run", NAME)
    outputs = shown("show", NAME)["outputs"]
    assert isinstance(outputs, dict)
    url = str(outputs["url"])
    tell("Visit it.", "A real service answers, with the token that it was given at its start.")
    visit(url)
    return url


def redeploy(url: str) -> None:
    """Release and run a second version."""
    app = second_version()
    tell(
        "Release a second version.",
        "The first version serves until `run` switches, and is kept for going back.",
    )
    envchart("release", NAME, "--app", str(app))
    envchart("run", NAME)
    visit(url)


def look() -> None:
    """Show the environment's state, its history, and the allowed commands."""
    tell(
        "Look at its state.",
        "State, release, address and the next command are read from disk, without a lock.",
    )
    envchart("show", NAME)
    tell(
        "Look at its history.",
        "The journal is the source of truth: append-only and hash-chained, with one line per fact.",
    )
    envchart("history", NAME)
    tell(
        "Look at the chart.",
        "The current state is marked. The same declaration drives every command.",
    )
    envchart("diagram", "--of", NAME, "--format", "text")


def tear_down(url: str) -> None:
    """Destroy the environment, and check that it is gone."""
    outputs = shown("show", NAME)["outputs"]
    assert isinstance(outputs, dict)
    port = int(outputs["port"])
    tell("Destroy it.", "`destroyed` means that the resources are verifiably gone.")
    envchart("destroy", NAME, "--yes")
    gone(f"the page {url}", lambda: unanswered(url))
    gone(f"port {port}", lambda: refused(port))
    gone("its files", lambda: not (DATA / NAME / "local").exists())
    envchart("show", NAME)


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the environment running at the end")
    keep = parser.parse_args().keep
    os.environ["ENVCHART_DATA_DIR"] = str(DATA)
    started = time.monotonic()
    clear()
    url = bring_up()
    redeploy(url)
    look()
    if keep:
        command = shlex.join([os.path.relpath(ENVCHART[0]), "--data-dir", os.path.relpath(DATA)])
        tell("It is still running.", f"Look at it: {url}, or with")
        print(f"    {command} show {NAME}\n    {command} logs {NAME}\nand end it with")
        print(f"    {command} destroy {NAME}")
        return
    tear_down(url)
    print(f"\nThat took {time.monotonic() - started:.1f} s. Next: README.md, or `envchart --help`.")


if __name__ == "__main__":
    main()
