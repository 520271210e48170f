"""Control codes in the output of programs, which could act on a terminal."""

from __future__ import annotations

import re
from typing import Final

# The parts in order: a control string with its terminator, a control sequence, an escape sequence,
# and any control character that is left but tab and newline. A control string without a terminator
# loses only its introducer, so that one stray code can't hide the text after it. None of the parts
# can run past a control character, which keeps the time linear. At last the embeddings, overrides and
# isolates of bidirectional text, which show a text in another order than it is written.
_CONTROL = (
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\|\x9c)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)
CODES_IN_UTF_8: Final = (
    r"\x1b[\]PX^_][^\x00-\x1f\x7f-\x9f]*(?:\x07|\x1b\\)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f]"
    r"|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]"
)
"""The same in UTF-8 with one character for each byte, without C1 codes, whose numbers bytes have too."""


def strip_control_codes(text: str) -> str:
    """Remove all control codes from a text except newlines and tabs.

    Escape sequences and control strings (colours, window titles, links) go as a whole. The result
    holds no character of C0, DEL or C1 apart from newline and tab, and no bidirectional control.

    Source: ECMA-48, sections 5.3 to 5.6; XTerm Control Sequences, "Operating System Commands";
        Unicode Standard Annex #9, sections 2.1 to 2.5.
    """
    # A string pattern is compiled on first use: most texts are printable and start-up stays fast.
    is_clean = text.isprintable() or text.replace("\n", "").replace("\t", "").isprintable()
    return text if is_clean else re.sub(_CONTROL, "", text)
