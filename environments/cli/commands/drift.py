"""`drift`: compare the declaration with the record, and the record with the real infrastructure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from environments.checks.difference import DriftKind
from environments.cli import loading
from environments.cli.error_reports import report
from environments.cli.group import subcommand
from environments.cli.many.choice import Choice, names_arguments
from environments.cli.settings import Settings
from environments.cli.signals import Ended, Interruption
from environments.cli.terminal.narrator import Narrator
from environments.presentation.answers.drift import drift_document
from statechart.errors import Locked
from statechart.terminal.colours import styled
from statechart.terminal.output import emit, note
from statechart.terminal.report import ExitCode, Report, worst

if TYPE_CHECKING:
    from environments.checks.difference import Difference
    from environments.checks.drift import Drift


@subcommand("drift", waiting=True)
@names_arguments
@click.option("--apply", is_flag=True, help="Record differences that contradict the recorded state.")
def drift(settings: Settings, choice: Choice, apply: bool) -> None:
    """Compare the declaration and the real infrastructure with the record.

    Prints the differences, and the command that ends them. The infrastructure is never changed.
    The exit code is 8 if there is a difference, and 6 if a part could not be inspected.

    Examples:
        envchart drift web
        envchart drift --all --apply
    """
    name = choice.single
    names = [name] if name is not None else [each.name for each in choice.chosen(settings)]
    results = _compare(settings, choice, names, apply=apply)
    # A single environment fails like any other command; of several, its error is part of the result.
    if name is not None and results[0].error is not None:
        raise results[0].error
    document = {
        "environments": [_document(settings, each) for each in results],
        "drift": any(each.differs for each in results),
    }
    emit(
        settings, document, "\n".join(_text(settings, each) for each in results) or choice.nothing(settings)
    )
    for each in results:
        _advise(settings, each)
    if code := _exit_code(settings, results):
        raise click.exceptions.Exit(code)


@dataclass(frozen=True, slots=True)
class _DriftResult:
    """The drift of one environment, or the error that prevented the comparison."""

    name: str
    drift: Drift | None = None
    error: Exception | None = None

    @property
    def differs(self) -> bool:
        """Whether the declaration or the infrastructure differs from the record."""
        return self.drift is not None and bool(self.drift.findings)

    @property
    def under_way(self) -> bool:
        """Whether a command is changing the environment, so that a comparison has to wait."""
        return isinstance(self.error, Locked)

    def report(self, settings: Settings) -> Report | None:
        """Return the report of the error, or None without an error.

        Raises:
            Exception: The error is unexpected.
        """
        if self.error is None:
            return None
        told = report(self.error, settings)
        if told is None:
            raise self.error
        return told


def _compare(
    settings: Settings, choice: Choice, names: Sequence[str], *, apply: bool
) -> list[_DriftResult]:
    """Compare several environments at once; an error does not stop the others."""
    results: dict[str, _DriftResult] = {}
    with Narrator(settings) as narrator:
        # No environment is under change, so the first Ctrl-C ends the comparison at once.
        interruption = Interruption(narrator.note)
        workspace = loading.workspace(settings, (narrator,), interruption.stop)

        async def compare_all() -> None:
            found = workspace.many(
                names, lambda opened, name: opened.drift(name, apply=apply), parallel=choice.parallel
            )
            async for outcome in found:
                error = outcome.error
                if error is None or isinstance(error, Exception):
                    results[outcome.name] = _DriftResult(outcome.name, outcome.result, error)

        try:
            interruption.run(compare_all())
        except Ended as ended:
            recorded = [each.name for each in results.values() if each.drift and each.drift.applied]
            raise Ended(ended.signal, recorded=recorded) from None
    return [results[name] for name in names]


def _exit_code(settings: Settings, results: Sequence[_DriftResult]) -> int:
    """Return 8 for a difference, else the exit code of the worst error."""
    if any(each.differs for each in results):
        return ExitCode.DIFFERENCE
    # A command under way is no fault: the environment is compared another time.
    reports = [each.report(settings) for each in results if not each.under_way]
    unseen = [ExitCode.STEP_FAILED for each in results if each.drift is not None and each.drift.unseen]
    return worst([*unseen, *(told.exit_code for told in reports if told is not None)])


def _document(settings: Settings, result: _DriftResult) -> dict[str, object]:
    if result.drift is None:
        told = result.report(settings)
        return {"name": result.name, "under_way": result.under_way, **(told.document() if told else {})}
    return drift_document(result.drift, settings.spell)


def _spelled(settings: Settings, name: str, finding: Difference) -> str | None:
    return settings.spell(f"{finding.then} NAME", name) if finding.then else None


def _text(settings: Settings, result: _DriftResult) -> str:
    if result.drift is None:
        told = result.report(settings)
        how = "is being changed" if result.under_way else "can't be inspected"
        return styled(f"{result.name} {how}: {told.message if told else ''}", "yellow")
    found = result.drift
    condition = found.environment.condition
    if not found.findings:
        where = " in the parts that were inspected" if found.unseen else ""
        return f"{result.name} is {condition}: no difference found{where}"
    now = "now " if found.applied else ""
    only_declared = all(finding.kind.is_declared for finding in found.findings)
    how = "differs from its declaration" if only_declared else "the infrastructure differs"
    lines = [styled(f"{result.name} is {now}{condition}, but {how}:", "red")]
    lines += [f"  {_words(each)}: {styled(each.what, 'plain')}" for each in found.findings]
    return "\n".join(lines)


def _words(finding: Difference) -> str:
    return finding.kind.value.replace("_", " ")


def _advise(settings: Settings, result: _DriftResult) -> None:
    """Print the parts that were not inspected, and the next commands."""
    if result.drift is None:
        told = result.report(settings)
        for step in told.next[:1] if told else ():
            note(f"next, for {result.name}: {step}")
        return
    for line in result.drift.unseen:
        note(f"note: {result.name}: not inspected: {line}")
    for number, step in enumerate(_steps(settings, result.name, result.drift)):
        note(f"{'or' if number else 'next'}, for {result.name}: {step}")


def _steps(settings: Settings, name: str, found: Drift) -> list[str]:
    """Return the next commands: the repair of the gravest difference, then what else can be done."""
    commands = dict.fromkeys(_spelled(settings, name, finding) for finding in found.findings)
    steps = [command for command in commands if command is not None][:1]
    if any(finding.kind is DriftKind.HOST_GONE for finding in found.findings):
        steps.append(settings.spell("up NAME --recreate", name))
    if not found.applied:
        events = dict.fromkeys(finding.event for finding in found.findings if finding.event)
        recording = settings.spell("drift NAME --apply", name)
        steps += [f"{recording} (only records it: fires {event})" for event in events]
    if found.findings and not steps:
        steps.append(settings.spell("why NAME", name))
    return steps
