"""`verify`: check histories against the chart."""

from __future__ import annotations

import click

from environments.checks.verify import Verified, verify as verified
from environments.cli import loading
from environments.cli.error_reports import report
from environments.cli.group import subcommand
from environments.cli.parameters import optional_name_argument
from environments.cli.refusal import UsageRefused
from environments.cli.report import ExitCode
from environments.cli.settings import Settings
from environments.cli.terminal.colours import styled
from environments.cli.terminal.output import emit, note


@subcommand("verify")
@optional_name_argument
@click.option("--all", "all_", is_flag=True, help="Check all environments; the default without NAME.")
def verify(settings: Settings, name: str | None, all_: bool) -> None:
    """Check histories for tampering and against today's chart.

    The exit code is 8 if a check fails.
    """
    if name is not None and all_:
        raise UsageRefused("--all can't be combined with NAME", (settings.spell("verify NAME", name),))
    storage = loading.storage(settings)
    names = [name] if name is not None else storage.names()
    found = [verified(storage, each) for each in names]
    sound = all(each.sound for each in found)
    document = {"environments": [_verified_document(each) for each in found], "sound": sound}
    emit(settings, document, "\n".join(_verified_text(each) for each in found) or "no environments")
    if sound:
        return
    for each in found:
        if each.error is not None:
            _advise(settings, each)
    raise click.exceptions.Exit(ExitCode.DIFFERENCE)


def _advise(settings: Settings, verified: Verified) -> None:
    told = report(verified.error, settings) if verified.error is not None else None
    for step in told.next[:1] if told is not None else ():
        note(f"next, for {verified.name}: {step}")


def _verified_document(verified: Verified) -> dict[str, object]:
    return {
        "name": verified.name,
        "sound": verified.sound,
        "records": verified.records,
        "transitions": verified.transitions,
        "findings": [{"seq": finding.seq, "what": finding.what} for finding in verified.findings],
    }


def _verified_text(verified: Verified) -> str:
    if verified.sound:
        counted = f"{verified.records} records, {verified.transitions} transitions"
        return f"{verified.name}: {counted}, all sound and allowed by today's chart"
    lines = [
        f"{verified.name}: {f'record {finding.seq}: ' if finding.seq else ''}{finding.what}"
        for finding in verified.findings
    ]
    return "\n".join(styled(line, "red") for line in lines)
