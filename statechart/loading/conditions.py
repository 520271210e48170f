"""The conditions of documents, as guards: names of methods, `In('state')`, `and`, `or` and `not`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from statechart.engine.declaration.naming import parts_of

_WORDS = ((re.compile(r"&&"), " and "), (re.compile(r"\|\|"), " or "), (re.compile(r"===?"), "=="))


def condition(text: str) -> str:
    """Return a condition in python-statemachine's words."""
    for pattern, word in _WORDS:
        text = pattern.sub(word, text)
    return " ".join(text.split())


def names_in(text: str) -> Iterator[str]:
    """Yield the names of methods and attributes in a condition."""
    parts = list(parts_of(text))
    functions = [part.func for part in parts if isinstance(part, ast.Call)]
    yield from (part.id for part in parts if isinstance(part, ast.Name) and part not in functions)


def problem_of(text: str) -> str | None:
    """Return the reason why a condition can't be read without code of the document, or None."""
    for part in parts_of(text):
        if isinstance(part, ast.Call) and not (isinstance(part.func, ast.Name) and part.func.id == "In"):
            return "it calls a function"
        if isinstance(part, (ast.Attribute, ast.Subscript)):
            return "it reads data of the document"
    return None
