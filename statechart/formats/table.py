"""Tables: the transitions of a chart in Markdown or reStructuredText."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from statemachine.contrib.diagram.renderers.table import TransitionTableRenderer

from statechart.picture import Marks, Picture


def table(picture: Picture, marks: Marks, format: Literal["md", "rst"]) -> str:
    """Return the transitions as a table, below a line about the marked state."""
    rows = [
        replace(
            edge,
            event=_escaped(edge.event, format),
            guards=[_escaped(guard, format) for guard in edge.guards],
        )
        for edge in picture.whole.transitions
    ]
    drawn: str = TransitionTableRenderer().render(replace(picture.whole, transitions=rows), format)
    if marks.current is None:
        return drawn
    remark = f": {marks.remark}" if marks.remark else "."
    return f"Now in state **{marks.current}**{' (failed)' if marks.failed else ''}{remark}\n\n{drawn}"


def _escaped(text: str, format: Literal["md", "rst"]) -> str:
    """Escape the characters that end a table's cell."""
    return text.replace("|", "\\|") if format == "md" else text
