"""The subcommands that tell what happened, and whether it is sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from environments.cli import loading
from environments.cli.arguments import NameArgument, NewNameArgument
from environments.cli.refusal import Refusal
from environments.cli.settings import Settings
from environments.cli.terminal.output import emit, note

if TYPE_CHECKING:
    from environments.checks.verify import Verified
    from environments.presentation.story import Story
    from environments.presentation.view import View


def why(settings: Settings, name: NameArgument) -> None:
    """Tell what happened to an environment, what is known and what is not, and what to do next."""
    from environments.presentation.documents import environment_document
    from environments.presentation.story import tell
    from environments.presentation.view import look
    from environments.system.processes import Program
    from environments.system.survivors import survivors

    storage = loading.storage(settings)
    view = look(storage, name)
    operation = view.environment.operation
    alive = survivors(operation) if operation is not None and view.interrupted else []
    story = tell(
        view,
        storage.history(name),
        [Program.of(each).describe() for each in alive],
        _words(settings, view),
    )
    document = environment_document(view, settings, storage.directory(name))
    emit(settings, {**document, "story": _document(story)}, _text(story, settings, name))


def _words(settings: Settings, view: View) -> dict[str, tuple[str, ...]]:
    """Return the lines that matter: the end of the last failure's trace, and of the service's log."""
    from environments.presentation.log_files import last_words

    return last_words(settings, view.environment)


def _document(story: Story) -> dict[str, object]:
    return {
        "headline": story.headline,
        "happened": list(story.happened),
        "known": list(story.known),
        "unknown": list(story.unknown),
        "words": {place: list(lines) for place, lines in story.words.items()},
    }


def _text(story: Story, settings: Settings, name: str) -> str:
    from environments.cli.terminal.output import styled

    lines = [styled(story.headline, "bold")]
    for heading, told in (
        ("What happened", story.happened),
        ("Known", story.known),
        ("Not known", story.unknown),
    ):
        if told:
            lines += ["", heading, *(f"  {styled(line, 'plain')}" for line in told)]
    for place, words in story.words.items():
        lines += ["", f"The end of {place}", *(f"  | {styled(line, 'plain')}" for line in words)]
    lines += ["", "What you can do, the best first"]
    spelled = [(settings.spell(step, name), reason) for step, reason in story.following]
    width = max((len(command) for command, _ in spelled), default=0)
    lines += [f"  {command:{width}}  {reason}".rstrip() for command, reason in spelled]
    return "\n".join(lines)


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
    from environments.cli.error_reports import ExitCode

    if name is not None and all_:
        raise Refusal("--all and NAME exclude each other", (settings.spell("verify NAME", name),))
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
