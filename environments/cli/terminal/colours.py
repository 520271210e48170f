"""Colours: where they are shown, and text in them."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click

from environments.system.control_codes import strip_control_codes


def shows_colours(stream: TextIO) -> bool:
    """Return whether a stream is a terminal with colours, and the user has not turned them off."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def styled(text: str, style: str) -> str:
    """Return a text for stdout without control codes, in a colour or `bold`; `plain` adds no style."""
    clean = strip_control_codes(text)
    if style == "plain" or not shows_colours(sys.stdout):
        return clean
    return click.style(clean, bold=True) if style == "bold" else click.style(clean, fg=style)
