"""`verify`: check histories against the chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import NewNameArgument
from environments.cli.refusal import UsageRefused
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note

if TYPE_CHECKING:
    from environments.checks.verify import Verified


def verify(
    settings: Settings,
    name: NewNameArgument = None,
    all_: Annotated[
        bool, typer.Option("--all", metavar="", help="All environments, as without a name.")
    ] = False,
) -> None:
    """Check histories: that nothing was changed in them, and that today's chart allows all of it.

    The exit code is 8 when something is found.
    """
    from environments.checks.verify import verify as verified
    from environments.cli.report import ExitCode

    if name is not None and all_:
        raise UsageRefused("--all and NAME exclude each other", (settings.spell("verify NAME", name),))
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
    raise typer.Exit(ExitCode.DIFFERENCE)


def _advise(settings: Settings, verified: Verified) -> None:
    from environments.cli.error_reports import report

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
    from environments.cli.terminal.output import styled

    if verified.sound:
        counted = f"{verified.records} records, {verified.transitions} transitions"
        return f"{verified.name}: {counted}, all sound and allowed by today's chart"
    lines = [
        f"{verified.name}: {f'record {finding.seq}: ' if finding.seq else ''}{finding.what}"
        for finding in verified.findings
    ]
    return "\n".join(styled(line, "red") for line in lines)
