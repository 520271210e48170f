"""`verify`: check histories against the chart."""

from __future__ import annotations

import click

from environments.checks.verify import Verified, verify as verified, verify_all
from environments.cli import loading
from environments.cli.error_reports import report
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, reading_names_arguments
from environments.cli.settings import Settings
from environments.selection import Selection
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, note
from statechart.terminal.report import ExitCode, worst
from statechart.wording import counted


@subcommand("verify")
@reading_names_arguments
def verify(settings: Settings, choice: Choice) -> None:
    """Check histories for tampering and against today's chart.

    Without a choice, all environments are checked. The exit code is 8 if a check fails.
    A provider that is not installed is reported after the checks.

    Examples:
        envchart verify web
        envchart verify --all
        envchart verify -l team=web
    """
    storage = loading.storage(settings)
    if choice.single is not None:
        found = [verified(storage, choice.single)]
    elif choice.is_empty or choice.selection == Selection(all=True):
        found = verify_all(storage)
    else:
        found = [verified(storage, each.name) for each in choice.chosen(settings)]
    sound = all(each.sound for each in found)
    document = {"environments": [_verified_document(each) for each in found], "sound": sound}
    emit(settings, document, "\n".join(_verified_text(each) for each in found) or "no environments")
    missing = [code for each in found if (code := _advise(settings, each)) is not None]
    if not sound or missing:
        raise click.exceptions.Exit(worst(missing) if sound else ExitCode.DIFFERENCE)


def _advise(settings: Settings, verified: Verified) -> int | None:
    """Name the next command of an environment, and return the exit code of an error."""
    error = verified.error or verified.missing
    told = report(error, settings) if error is not None else None
    if told is None:
        return None
    if verified.missing is not None:
        note(f"{verified.name}: {told.message}")
    for step in told.next[:1]:
        note(f"next, for {verified.name}: {step}")
    return told.exit_code


def _verified_document(verified: Verified) -> dict[str, object]:
    return {
        "name": verified.name,
        "sound": verified.sound,
        "records": verified.records,
        "transitions": verified.transitions,
        "notes": list(verified.notes),
        "findings": [{"seq": finding.seq, "what": finding.what} for finding in verified.findings],
    }


def _verified_text(verified: Verified) -> str:
    if verified.sound:
        checked = f"{counted(verified.records, 'record')}, {counted(verified.transitions, 'transition')}"
        lines = [f"{verified.name}: {checked}, all sound and allowed by today's chart"]
        return "\n".join([*lines, *(f"{verified.name}: {note}" for note in verified.notes)])
    lines = [
        f"{verified.name}: {f'record {finding.seq}: ' if finding.seq else ''}{finding.what}"
        for finding in verified.findings
    ]
    return "\n".join(styled(line, "red") for line in lines)
