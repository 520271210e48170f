"""Control codes in the output of programs, which could act on a terminal."""

from __future__ import annotations

import re
from typing import Final

# The parts in order: a control string with its terminator, a control sequence, an escape sequence,
# and any control character that is left but tab and newline. A control string without a terminator
# loses only its introducer, so that one stray code can't hide the text after it. None of the parts
# can run past a control character, which keeps the time linear.
_CONTROL = (
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
SEVEN_BIT_CODES: Final = (
    r"\x1b[\]PX^_][^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f]"
)
"""The same without C1 codes, whose numbers are also those of bytes in UTF-8."""


def strip_control_codes(text: str) -> str:
    """Remove all control codes from a text except newlines and tabs.

    Escape sequences and control strings (colours, window titles, links) go as a whole. The result
    holds no character of C0, DEL or C1 apart from newline and tab.

    Source: ECMA-48, sections 5.3 to 5.6; XTerm Control Sequences, "Operating System Commands".
    """
    # A string pattern is compiled on first use: most texts are printable and start-up stays fast.
    is_clean = text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()
    return text if is_clean else re.sub(_CONTROL, "", text)
