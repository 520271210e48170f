"""Escape a chart's texts: each format shows them, and gives none of their characters a meaning."""

from __future__ import annotations

import re
import unicodedata

# Between letters and digits, none of the formats gives these three a meaning.
_WITHIN_A_WORD = r"(?<=[^\W_])[_.-](?=[^\W_])"
_PLAIN = r"[0-9A-Za-z ,()/'!?]"
_IN_MERMAID = re.compile(rf"(?!{_PLAIN}|{_WITHIN_A_WORD})[\0-\x7f]")
_IN_MARKDOWN = re.compile(rf"""(?!{_PLAIN}|{_WITHIN_A_WORD}|[;#"%]|:(?=[ 0-9]))[\0-\x7f]""")
_IN_RESTRUCTUREDTEXT = re.compile(rf"(?!,|{_WITHIN_A_WORD}).")


def markdown(text: str) -> str:
    """Return a text as it is written inside of a line of Markdown, in a table or not."""
    # Dialects differ in the characters that a backslash escapes, but all of them know entities.
    return _IN_MARKDOWN.sub(lambda letter: f"&#{ord(letter[0])};", text)


def mermaid(text: str) -> str:
    """Return a text as it is written in a label of Mermaid."""
    # While it parses, Mermaid itself writes an entity as a ligature, a degree sign and the number.
    apart = text.replace("\ufb02\xb0", "fl\xb0")
    spelled = _IN_MERMAID.sub(lambda letter: f"#{ord(letter[0])};", apart)
    # Mermaid's lexer takes a whole line for a statement if there is "direction LR" anywhere in it.
    return re.sub("(?i)(?<=direction) ", "#32;", spelled)


def restructuredtext(text: str) -> str:
    """Return a text as it is written in a table of reStructuredText, or inside of a line."""
    return _IN_RESTRUCTUREDTEXT.sub(_with_backslash, text)


def _with_backslash(letter: re.Match[str]) -> str:
    # Without the space, which vanishes, four of them would be a line below a title.
    if letter[0] == "\\":
        return r"\ \\"
    return rf"\{letter[0]}" if unicodedata.category(letter[0])[0] in "PS" else letter[0]


def dot(text: str) -> str:
    """Return a text as it is written in a quoted label of Graphviz, which knows HTML's entities."""
    return text.replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
