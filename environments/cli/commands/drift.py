"""`drift`: compare the record with the real infrastructure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from environments.cli import loading
from environments.cli.error_reports import report
from environments.cli.group import subcommand
from environments.cli.parameters import optional_name_argument
from environments.cli.refusal import UsageRefused
from environments.cli.report import ExitCode
from environments.cli.settings import Settings
from environments.cli.signals import Interruption
from environments.cli.terminal.colours import styled
from environments.cli.terminal.narrator import Narrator
from environments.cli.terminal.output import emit, note
from statechart.errors import Locked

if TYPE_CHECKING:
    from environments.checks.drift import Difference, Drift
    from environments.cli.report import Report
    from environments.workspace import Workspace

_AT_ONCE = 8


@subcommand("drift", waiting=True)
@optional_name_argument
@click.option("--all", "all_", is_flag=True, help="Compare all environments.")
@click.option("--apply", is_flag=True, help="Record differences that contradict the recorded state.")
def drift(settings: Settings, name: str | None, all_: bool, apply: bool) -> None:
    """Compare the record with the real infrastructure.

    Prints the differences and the event that would record them. The infrastructure is never
    changed. The exit code is 8 if there is a difference, and 6 if a part could not be inspected.
    """
    if (name is None) is not all_:
        raise UsageRefused(
            "give NAME or --all", (settings.spell("drift NAME"), settings.spell("drift --all"))
        )
    names = [name] if name is not None else loading.storage(settings).names()
    looked = _look(settings, names, apply=apply)
    if name is not None and looked[0].error is not None:
        raise looked[0].error
    document = {
        "environments": [_document(settings, each) for each in looked],
        "drift": any(each.differs for each in looked),
    }
    emit(settings, document, "\n".join(_text(settings, each) for each in looked) or "no environments")
    for each in looked:
        _advise(settings, each)
    if code := _exit_code(settings, looked):
        raise click.exceptions.Exit(code)


@dataclass(frozen=True, slots=True)
class _DriftResult:
    """An environment that was looked at, or why it could not be."""

    name: str
    drift: Drift | None = None
    error: Exception | None = None

    @property
    def differs(self) -> bool:
        """Whether anything differs from what is on record."""
        return self.drift is not None and bool(self.drift.findings)

    @property
    def under_way(self) -> bool:
        """Whether a command is changing it now: it is looked at another time."""
        return isinstance(self.error, Locked)

    def report(self, settings: Settings) -> Report | None:
        """Return how the error is told.

        Raises:
            Exception: Nobody expected it.
        """
        if self.error is None:
            return None
        told = report(self.error, settings)
        if told is None:
            raise self.error
        return told


def _look(settings: Settings, names: Sequence[str], *, apply: bool) -> list[_DriftResult]:
    """Look at environments, several at once; one that can't be looked at does not keep the others."""
    with Narrator(settings) as narrator:
        interruption = Interruption(narrator.note, lambda: None)
        workspace = loading.workspace(settings, (narrator,), interruption.stop)
        return interruption.run(_all(workspace, names, apply=apply))


async def _all(workspace: Workspace, names: Sequence[str], *, apply: bool) -> list[_DriftResult]:
    places = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> _DriftResult:
        async with places:
            try:
                return _DriftResult(name, await workspace.drift(name, apply=apply))
            except Exception as error:  # each is told, and the others are still looked at
                return _DriftResult(name, error=error)

    return list(await asyncio.gather(*map(one, names)))


def _exit_code(settings: Settings, looked: Sequence[_DriftResult]) -> int:
    """Return 8 for a difference, else the gravest reason for which one could not be looked at."""
    if any(each.differs for each in looked):
        return ExitCode.DIFFERENCE
    reports = [each.report(settings) for each in looked if not each.under_way]
    unseen = [ExitCode.STEP_FAILED for each in looked if each.drift is not None and each.drift.unseen]
    return max([ExitCode.DONE, *unseen, *(told.exit_code for told in reports if told is not None)])


def _document(settings: Settings, looked: _DriftResult) -> dict[str, object]:
    if looked.drift is None:
        told = looked.report(settings)
        return {"name": looked.name, "under_way": looked.under_way, **(told.document() if told else {})}
    found = looked.drift
    return {
        "name": looked.name,
        "state": found.environment.state.name.value,
        "condition": found.environment.condition,
        "findings": [
            {
                "kind": finding.kind.value,
                "what": finding.what,
                "event": finding.event,
                "next": _spelled(settings, looked.name, finding),
            }
            for finding in found.findings
        ],
        "unseen": list(found.unseen),
        "applied": found.applied,
    }


def _spelled(settings: Settings, name: str, finding: Difference) -> str | None:
    return settings.spell(f"{finding.then} NAME", name) if finding.then else None


def _text(settings: Settings, looked: _DriftResult) -> str:
    if looked.drift is None:
        told = looked.report(settings)
        how = "is not looked at now" if looked.under_way else "can't be looked at"
        return styled(f"{looked.name} {how}: {told.message if told else ''}", "yellow")
    found = looked.drift
    condition = found.environment.condition
    if not found.findings:
        return f"{looked.name} is {condition}: nothing that was seen differs from that"
    now = "now " if found.applied else ""
    lines = [styled(f"{looked.name} is {now}{condition}, and in the world:", "red")]
    lines += [f"  {_words(each)}: {styled(each.what, 'plain')}" for each in found.findings]
    return "\n".join(lines)


def _words(finding: Difference) -> str:
    return finding.kind.value.replace("_", " ")


def _advise(settings: Settings, looked: _DriftResult) -> None:
    """Tell what could not be seen, and which commands lead on."""
    if looked.drift is None:
        told = looked.report(settings)
        for step in told.next[:1] if told else ():
            note(f"next, for {looked.name}: {step}")
        return
    for line in looked.drift.unseen:
        note(f"note: {looked.name}: not seen: {line}")
    for step in _steps(settings, looked.name, looked.drift):
        note(f"next, for {looked.name}: {step}")


def _steps(settings: Settings, name: str, found: Drift) -> list[str]:
    """Return what leads on: the event that is proposed, then the commands, the gravest first."""
    events = dict.fromkeys(finding.event for finding in found.findings if finding.event)
    applying = (
        []
        if found.applied
        else [f"{settings.spell('drift NAME --apply', name)} (fires {e})" for e in events]
    )
    commands = dict.fromkeys(_spelled(settings, name, finding) for finding in found.findings)
    following = [command for command in commands if command is not None][:1]
    if found.findings and not applying and not following:
        following = [settings.spell("why NAME", name)]
    return [*applying, *following]
