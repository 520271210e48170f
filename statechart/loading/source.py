"""Read a document, from a file or from text, within limits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from statechart.errors import DocumentRefused
from statechart.wording import listed

Language: TypeAlias = Literal["scxml", "json", "yaml"]

LARGEST: Final = 2_000_000
"""The bytes of the largest document that is read: several thousand states."""

_SUFFIXES: Final[dict[str, Language]] = {
    ".scxml": "scxml",
    ".xml": "scxml",
    ".json": "json",
    ".yaml": "yaml",
    ".yml": "yaml",
}

SUFFIXES: Final = tuple(_SUFFIXES)
"""The suffixes of documents."""


@dataclass(frozen=True, slots=True)
class Source:
    """A document that was read.

    Attributes:
        content: The text; of files the bytes, since XML names its encoding itself.
        language: The language of the text.
        where: The file, in messages; `the document` for text.
        stem: The name of the file without its suffix, or None.
    """

    content: str | bytes
    language: Language
    where: str
    stem: str | None = None

    def refused(
        self, problem: str, *, line: int | None = None, place: str | None = None, missing: str | None = None
    ) -> DocumentRefused:
        """Return the error of a problem in the document."""
        return DocumentRefused(self.where, problem, line=line, place=place, missing=missing)


def read_source(given: str | Path) -> Source:
    """Read a document.

    Args:
        given: The path of a file, or the text of a document: with a line break, or beginning with `<` or
            `{`.

    Raises:
        DocumentRefused: There is no such file, it can't be read, or is too large.
    """
    if isinstance(given, str) and ("\n" in given or given.lstrip("\ufeff \t")[:1] in ("<", "{")):
        source = Source(given, _language(given), "the document")
    else:
        path = Path(given)
        language = _SUFFIXES.get(path.suffix.lower())
        if language is None:
            raise DocumentRefused(str(path), f"its suffix is none of {listed(SUFFIXES)}: rename the file")
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST + 1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DocumentRefused(str(path), f"the file can't be read ({reason})") from error
        source = Source(content, language, str(path), path.stem)
    if len(source.content) > LARGEST:
        raise source.refused(f"it is larger than {LARGEST:,} bytes: divide the chart")
    return source


def decoded(source: Source) -> str:
    """Return the text of a document that is no XML, which is UTF-8."""
    if isinstance(source.content, str):
        return source.content
    try:
        return source.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = source.content.count(b"\n", 0, error.start) + 1
        raise source.refused("it is not UTF-8: save it as UTF-8", line=line) from None


def _language(text: str) -> Language:
    first = text.lstrip("\ufeff \t\r\n")[:1]
    return "scxml" if first == "<" else "json" if first == "{" else "yaml"
