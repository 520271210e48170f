"""Read XML as a tree of elements with their lines: without entities, and within limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from statechart.errors import DocumentRefused
from statechart.loading.source import Source

SCXML: Final = "http://www.w3.org/2005/07/scxml"
"""The namespace of SCXML."""

OWN: Final = "urn:envchart:statechart"
"""The namespace of what SCXML has no word for: named hooks, timers whose delay is a function."""

DEEPEST: Final = 200
"""The most elements within one another."""

_BETWEEN = " "


@dataclass(slots=True)
class Element:
    """An element of a document.

    Attributes:
        tag: The name, without the namespace.
        attributes: Those without a namespace, and those of our own with `own:` before their names.
        text: The text before its first child.
        namespace: The namespace; that of SCXML if it has none.
    """

    tag: str
    attributes: dict[str, str]
    line: int
    namespace: str = SCXML
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def __iter__(self) -> Iterator[Element]:
        return iter(self.children)

    @property
    def shown(self) -> str:
        """The element in messages."""
        name = self.attributes.get("id") or self.attributes.get("event")
        return f"<{self.tag}>" if name is None else f"<{self.tag} {name}>"


def read_markup(source: Source) -> Element:
    """Return the root element of a document.

    Raises:
        DocumentRefused: It is no well-formed XML, declares a document type, or is nested too deeply.
    """
    text = isinstance(source.content, str)
    # Text is decoded already, whatever encoding it names.
    parser = expat.ParserCreate("utf-8" if text else None, _BETWEEN)
    tree = _Tree(source, parser)
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.characters
    parser.StartDoctypeDeclHandler = tree.doctype
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        content = source.content
        parser.Parse(
            content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content, True
        )
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        hint = "correct it" if _is_utf8(source.content) and "encoding" not in reason else "save it as UTF-8"
        raise source.refused(f"it is not well-formed XML ({reason}): {hint}", line=error.lineno) from None
    except DocumentRefused:
        raise
    except (ValueError, LookupError):  # an encoding that Python can't give to expat
        raise source.refused("its encoding can't be read: save it as UTF-8", line=1) from None
    assert tree.root is not None
    return tree.root


def _is_utf8(content: str | bytes) -> bool:
    try:
        if isinstance(content, bytes):
            content.decode()
    except UnicodeDecodeError:
        return False
    return True


class _Tree:
    def __init__(self, source: Source, parser: expat.XMLParserType) -> None:
        self.root: Element | None = None
        self._source = source
        self._parser = parser
        self._open: list[Element] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        if len(self._open) >= DEEPEST:
            raise self._source.refused(
                f"its elements are nested more than {DEEPEST} deep: divide the chart", line=line
            )
        namespace, _, tag = name.rpartition(_BETWEEN)
        found = Element(tag, dict(_attributes(attributes)), line, namespace or SCXML)
        if self._open:
            self._open[-1].children.append(found)
        else:
            self.root = found
        self._open.append(found)

    def end(self, _name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        if not self._open[-1].children:
            self._open[-1].text += text

    def doctype(self, *_declared: object) -> None:
        raise self._source.refused(
            "it declares a document type, whose entities are never read: take <!DOCTYPE> away",
            line=self._parser.CurrentLineNumber,
        )


def _attributes(given: dict[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        namespace, _, local = name.rpartition(_BETWEEN)
        if not namespace:
            yield local, value
        elif namespace == OWN:
            yield f"own:{local}", value
