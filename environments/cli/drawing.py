"""Drawing: the chart as a diagram, with an environment's state marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from environments.cli import opening
from environments.cli.output import emit, note
from environments.cli.refusal import Refusal
from environments.lifecycle import Lifecycle
from statechart.diagram import FORMATS, Format, render
from statechart.errors import nearest

if TYPE_CHECKING:
    from pathlib import Path

    from environments.cli.settings import Settings


def draw(settings: Settings, format: str, of: str | None, output: Path | None) -> None:
    """Print the diagram, or write it to a file.

    Raises:
        Refusal: There is no such format, or the file can't be written.
        DiagramUnavailable: The format needs something that is not installed.
    """
    if format not in FORMATS:
        near = nearest(format, FORMATS) or FORMATS[0]
        raise Refusal(
            f"there is no format {format!r}: use {', '.join(FORMATS)}",
            (f"envchart diagram --format {near}",),
        )
    current = failed = None
    if of is not None:
        environment = opening.storage(settings).load(of)
        current = environment.state.name.value
        failed = current if environment.failure is not None else None
    text = render(Lifecycle, cast("Format", format), current=current, failed=failed)  # it was checked
    document: dict[str, object] = {"format": format, "of": of, "current": current, "failed": failed}
    if output is None:
        emit(settings, {**document, "diagram": text}, text)
        return
    try:
        output.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise Refusal(
            f"{output} can't be written: {error.strerror}", ("envchart diagram --output FILE",)
        ) from error
    if settings.json:
        emit(settings, {**document, "output": str(output)}, "")
    else:
        note(f"written to {output}")
