"""What `make demo` shows: a real environment, from nothing to running and back."""

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


def tell(what: str, why: str) -> None:
    """Say what happens next, and why a reader should care."""
    print(f"\n{BOLD}{what}{PLAIN}\n{DIM}{why}{PLAIN}", flush=True)


def envchart(*arguments: str, expect: int = 0) -> None:
    """Run the envchart command as a user would, and stop the demo if it does not end as expected."""
    print(f"$ envchart {shlex.join(arguments)}", flush=True)
    ended = subprocess.run([*ENVCHART, *arguments], check=False, stdin=subprocess.DEVNULL)
    if ended.returncode != expect:
        sys.exit(f"the demo expected exit code {expect}, and got {ended.returncode}")


def shown(*arguments: str) -> dict[str, object]:
    """Return what the envchart command says in JSON."""
    ended = subprocess.run(
        [*ENVCHART, "--json", *arguments], check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    answer: dict[str, object] = json.loads(ended.stdout)
    return answer


def fetch(url: str) -> str:
    """Get a page over loopback, past any proxy."""
    with build_opener(ProxyHandler({})).open(url, timeout=5) as response:
        body: str = response.read().decode()
    return body


def visit(url: str) -> None:
    """Fetch the page and the health endpoint, and show what they answer."""
    page = fetch(url)
    lines = [line.strip() for line in page.splitlines() if "<h1" in line or "<p" in line]
    print(f"GET {url}\n    " + "\n    ".join(lines))
    print(f"GET {url}health\n    {fetch(url + 'health').strip()}", flush=True)


def clear() -> None:
    """End and remove what an earlier run left."""
    if (DATA / NAME).exists():
        subprocess.run(
            [*ENVCHART, "destroy", NAME, "--yes"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )
    shutil.rmtree(DATA, ignore_errors=True)


def second_version() -> Path:
    """Make a second version of the example app, as a developer would: change it, keep the rest."""
    app = DATA / ".apps" / "hello-2"
    shutil.copytree(ROOT / "examples" / "hello", app, ignore=shutil.ignore_patterns("__pycache__"))
    (app / "version.txt").write_text("2.0\n")
    return app


def gone(label: str, check: Callable[[], bool]) -> None:
    """Say that something is gone, having looked."""
    if not check():
        sys.exit(f"{label}: still there")
    print(f"    {label}: gone")


def refused(port: int) -> bool:
    """Return whether nobody answers on a port."""
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
    """Take the environment from nothing to running, and return where it answers."""
    tell(
        "Create an environment.", "Nothing is made yet: this puts its name and its wish on record, durably."
    )
    envchart(
        "create", NAME, "--app", str(ROOT / "examples" / "hello"), "--env", "GREETING=Hello from envchart"
    )
    tell(
        "Provision it.",
        "Directories and a port are reserved. Each step is on disk before it runs and after.",
    )
    envchart("provision", NAME)
    tell("Configure it.", "The configuration is written; doing it again would say that nothing changed.")
    envchart("configure", NAME)
    tell(
        "Configure it again: a mistake.",
        "The chart refuses it, changes nothing, and names what is allowed.",
    )
    envchart("configure", NAME, expect=4)
    tell("Release the app.", "It is copied under the hash of its content, so that a release never changes.")
    envchart("release", NAME)
    tell(
        "Run it.",
        "`running` means that this very process passed its health check, not that a command returned 0.",
    )
    envchart("run", NAME)
    outputs = shown("show", NAME)["outputs"]
    assert isinstance(outputs, dict)
    url = str(outputs["url"])
    tell("Visit it.", "A real service answers, with the token that was given to it at its start.")
    visit(url)
    return url


def redeploy(url: str) -> None:
    """Release and run a second version."""
    app = second_version()
    tell(
        "Release a second version.",
        "The first goes on serving until `run` switches; it is kept, to go back to.",
    )
    envchart("release", NAME, "--app", str(app))
    envchart("run", NAME)
    visit(url)


def look() -> None:
    """Show where the environment is, how it got there, and what may follow."""
    tell(
        "Where is it now?", "State, release, address and the next command: read from disk, without a lock."
    )
    envchart("show", NAME)
    tell(
        "How did it get there?",
        "The journal is the truth: append-only, hash-chained, one line for each fact.",
    )
    envchart("history", NAME)
    tell(
        "What may follow?",
        "The chart, with the present state marked; the same declaration drives everything.",
    )
    envchart("diagram", "--of", NAME, "--format", "mermaid")


def tear_down(url: str) -> None:
    """Destroy the environment, and see it gone."""
    outputs = shown("show", NAME)["outputs"]
    assert isinstance(outputs, dict)
    port = int(outputs["port"])
    tell("Destroy it.", "`destroyed` is said only when the resources are verifiably gone.")
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
