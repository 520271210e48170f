"""Lines: messages and outcomes of steps in the columns of a terminal."""

from __future__ import annotations

import re

from statechart.formats.columns import hanging, shortened, text_width
from statechart.terminal.control_codes import strip_control_codes

_TO_WRAP = re.compile(r"(?:error|warning|note): |\s+(?=\S)")


def fitted(text: str, width: int | None) -> str:
    """Return a message with errors, warnings and notes wrapped below their first word.

    Other lines stay as they are, since a command that is wrapped can't be copied.
    """
    if width is None:
        return text
    lines: list[str] = []
    wrapping = False
    for line in text.split("\n"):
        head = _TO_WRAP.match(line)
        wrapping = head is not None and (wrapping or not head[0].isspace())
        if head is None or not wrapping:
            lines.append(line)
        else:
            lines += hanging(head[0], line[head.end() :].split(" "), width)
    return "\n".join(lines)


def step_outcome(head: str, outcome: str, detail: str, width: int | None, ellipsis: str) -> str:
    """Return the line of a step: the outcome whole, and as much of the detail as fits the width."""
    outcome, detail = strip_control_codes(outcome), strip_control_codes(detail)
    if width is None:
        return f"{head}{outcome}{f' ({detail})' if detail else ''}"
    said = "\n".join(hanging(head, outcome.split(" "), width, indent=8))
    short = shortened(detail, width - text_width(head + outcome) - 3, ellipsis)
    # The first word alone tells nothing.
    is_telling = short == detail or " " in short.removesuffix(f" {ellipsis}")
    return f"{said} ({short})" if detail and is_telling else said


def cut(line: str, width: int, ellipsis: str) -> str:
    """Return a line of which the words that don't fit are left out."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + shortened(line.lstrip(), width - len(indent), ellipsis)
