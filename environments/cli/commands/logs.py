"""`logs`: the output of a service, or the trace of a failure."""

from __future__ import annotations

import os
import signal
import sys
import time
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, BinaryIO

import click

from environments.artifacts.bound import require_here
from environments.cli import loading
from environments.cli.group import subcommand
from environments.cli.parameters import name_argument
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.model.errors import StepFailed
from environments.ports import CollectsLogs, provider_of
from environments.presentation.answers.logs import read_log, trace_of
from environments.secrets.redaction import clean, redactor
from environments.system.files import OwnPath
from statechart.terminal.output import emit, note, write
from statechart.terminal.program.parameters import NotNegative
from statechart.terminal.refusal import UsageRefused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from environments.model.environment import AnyEnvironment
    from environments.ports import Provider

_PAUSE = 0.2
_COLLECTED_EVERY = 1.0


@subcommand("logs")
@name_argument
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=NotNegative(int),
    default=50,
    show_default=True,
    help="The number of lines.",
)
@click.option("-F", "--follow", is_flag=True, help="Keep printing new lines until Ctrl-C.")
@click.option("--trace", is_flag=True, help="Show the trace of the last failed command instead.")
def logs(settings: Settings, name: str, lines: int, follow: bool, trace: bool) -> None:
    """Show the end of the service's log.

    Examples:
        envchart logs web --follow
        envchart logs web --trace  # of the failed command
    """
    print_logs(settings, name, lines, follow=follow, trace=trace)


def print_logs(settings: Settings, name: str, lines: int, *, follow: bool, trace: bool) -> None:
    """Print an environment's log, or the trace of its last failed command.

    Raises:
        UsageRefused: The options exclude each other.
        StorageError: A file can't be read.
    """
    if follow and (trace or settings.json):
        other = "--trace" if trace else "--json"
        raise UsageRefused(
            f"--follow has no end, and {other} needs one", (settings.spell("logs NAME --follow", name),)
        )
    storage = loading.storage(settings)
    environment, directory = storage.load(name), storage.directory(name)
    if not trace:
        require_here(storage, environment, provider_of(environment))
    if trace:
        _print_trace(settings, environment, directory)
        return
    try:
        _print_log(settings, environment, directory, lines, follow=follow)
    except (KeyboardInterrupt, Ended) as ended:
        if not follow:
            raise
        # The usual end of following is no error.
        code = ended.exit_code if isinstance(ended, Ended) else 128 + signal.SIGINT
        raise click.exceptions.Exit(code) from None


def _print_log(
    settings: Settings, environment: AnyEnvironment, directory: Path, count: int, *, follow: bool
) -> None:
    name = environment.name
    provider = provider_of(environment)
    collect = _collection(provider, environment, directory)
    current = collect()
    log, redact = read_log(environment, directory, count), redactor(environment.spec)
    if not log.files:
        nothing = "no service of it has said anything" if current else "nothing was collected before"
        note(f"{name} is {environment.condition}: {nothing}")
    if settings.json or log.lines:
        emit(settings, log.document(), _fit("\n".join(log.lines), redact), raw=True)
    if follow and log.files:
        follow_log(OwnPath.within(directory.parent, log.files[-1]), log.size, redact, collect)


def _collection(provider: Provider, environment: AnyEnvironment, directory: Path) -> Callable[[], bool]:
    """Return a function that fetches a log kept elsewhere, and returns whether the copy is complete.

    It reports each obstacle once, and does nothing when it is called again too soon.
    """
    if not isinstance(provider, CollectsLogs):
        return lambda: True
    collector, told, due = provider, "", 0.0

    def collect() -> bool:
        nonlocal told, due
        if time.monotonic() < due:
            return not told
        obstacle = _collected(collector, environment, directory)
        if obstacle and obstacle != told:
            note(f"shown is what was collected before: {obstacle}")
        told, due = obstacle, time.monotonic() + _COLLECTED_EVERY
        return not told

    return collect


def _collected(collector: CollectsLogs, environment: AnyEnvironment, directory: Path) -> str:
    """Fetch a log; return the obstacle, or an empty string."""
    try:
        Interruption(note, last=False).run(collector.collect_logs(environment, directory))
    except StepFailed as obstacle:
        return redactor(environment.spec)(obstacle.summary)
    return ""


def _print_trace(settings: Settings, environment: AnyEnvironment, directory: Path) -> None:
    document = trace_of(environment, directory)
    if document["file"] is None:
        note(f"{environment.name} is {environment.condition}: no failure has left a trace")
    if settings.json or document["file"] is not None:
        emit(settings, document, _fit(str(document["trace"]), redactor(environment.spec)), raw=True)


def _fit(text: str, redact: Callable[[str], str]) -> str:
    """Remove control codes from a text that goes to a terminal, and secrets that they hid."""
    return clean(text, redact) if sys.stdout.isatty() else text


def follow_log(
    path: OwnPath, offset: int, redact: Callable[[str], str], collect: Callable[[], bool] = lambda: True
) -> None:
    """Print a log from a byte offset on as it grows, through rotations, until it is removed."""
    file = _opened(path)
    if file is not None:
        file.seek(offset)
    decoder = getincrementaldecoder("utf-8")("replace")  # a character may be written in two parts
    begun = ""
    while file is not None:
        collect()
        gone = not _is_at(file, path)  # asked first: all that was written until then is read below
        text = decoder.decode(file.read())
        # An incomplete line is held back for a moment: half a secret would not be recognised.
        whole, end, rest = (begun + text).rpartition("\n") if text else (begun, "", "")
        if whole or end:
            write(_fit(redact(whole + end), redact))
        elif gone and not text:
            file.close()
            file = _opened(path)
        begun = rest
        if begun or not (text or gone):
            time.sleep(_PAUSE)


def _opened(path: OwnPath) -> BinaryIO | None:
    """Open a log, waiting a moment for the new file of a rotation; return None if there is none."""
    for pause in (_PAUSE, 0.0):
        try:
            return os.fdopen(path.open(os.O_RDONLY), "rb", buffering=0)
        except FileNotFoundError:
            time.sleep(pause)
    return None


def _is_at(file: BinaryIO, path: OwnPath) -> bool:
    """Return whether an open file is still at its path, and was not truncated."""
    found = path.status()
    if found is None:
        return False
    return os.path.samestat(found, os.fstat(file.fileno())) and found.st_size >= file.tell()
