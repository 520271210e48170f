"""Colours: where they are shown, and text in them."""

from __future__ import annotations

import os
import re
import sys
from typing import TextIO

import click

from statechart.terminal.control_codes import strip_control_codes

# Noncharacters, which no text has: all control codes can be removed where text is printed.
_BEGIN, _SEPARATOR, _END = "\ufdd0", "\ufdd1", "\ufdd2"
_STYLED = re.compile(f"{_BEGIN}(bold|dim|red|green|yellow|cyan){_SEPARATOR}([^{_BEGIN}{_END}]*){_END}")


def shows_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal with colours, and the user has not turned them off."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """Return a text for `emit` without control codes, in a style; `plain` adds none."""
    clean = strip_control_codes(text)
    if style == "plain" or not shows_colours(sys.stdout):
        return clean
    return f"{_BEGIN}{style}{_SEPARATOR}{clean}{_END}"


def coloured(text: str) -> str:
    """Return a text with the control codes of its styles."""
    return _STYLED.sub(_in_style, text) if _BEGIN in text else text


def _in_style(found: re.Match[str]) -> str:
    style, words = found.groups()
    if style in ("bold", "dim"):
        return click.style(words, bold=style == "bold" or None, dim=style == "dim" or None)
    return click.style(words, fg=style)
