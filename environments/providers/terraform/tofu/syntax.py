"""The syntax of a module's files: HCL, and JSON in its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from environments.errors import StepFailed
from environments.model.failure import FailureCause

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_PLAIN = re.compile(r'"([^"\\$%]*)"')
# Terraform's JSON gives only some kinds of blocks labels.
_LABELS = {
    "variable": 1,
    "output": 1,
    "module": 1,
    "backend": 1,
    "state_store": 1,
    "terraform": 0,
    "cloud": 0,
}
_NESTING = "terraform"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a file.

    Attributes:
        kind: The kind, such as `variable`.
        name: The first label, if the block has labels.
        line: The line on which the block begins.
        attributes: The names of the attributes; the value too, if it is a plain string or a type.
        blocks: The blocks inside.
    """

    kind: str
    name: str
    line: int
    attributes: dict[str, str] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a file.

    Attributes:
        attributes: As those of a block.
        blocks: The blocks of the file, without blocks of JSON that are of no interest here.
        whole: Whether the parser understood all of the file.
    """

    attributes: dict[str, str]
    blocks: tuple[Block, ...]
    whole: bool = True


UNKNOWN = Body({}, (), whole=False)
"""The content of a file that the parser did not understand."""


def parse_hcl(text: bytes) -> Body:
    """Parse a file in HCL's own syntax.

    Raises:
        StepFailed: The parser is not installed.
    """
    root = _parser().parse(text).root_node
    attributes, blocks = _body(root, depth=2)
    return Body(attributes, blocks, whole=not root.has_error)


@cache
def _parser() -> Parser:
    try:
        # Measured: 35 ms, which only commands that read a module have to spend. It comes with an extra.
        import tree_sitter
        import tree_sitter_hcl
    except ModuleNotFoundError:
        summary = (
            "modules are read with tree-sitter-hcl, which is missing: pip install 'envchart[terraform]'"
        )
        raise StepFailed(FailureCause.CONFIGURATION, summary) from None
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_hcl.language()))


def _body(around: Node, depth: int) -> tuple[dict[str, str], tuple[Block, ...]]:
    """Return attributes and blocks, which may be nested to any depth in the file."""
    attributes: dict[str, str] = {}
    blocks: list[Block] = []
    for body in _of_type(around, "body"):
        for node in body.named_children:
            if node.type == "attribute":
                name, *value = node.named_children
                text = _text(value[-1]) if value else ""
                attributes[_text(name)] = _plain(text) or (text if _text(name) == "type" else "")
            elif node.type == "block" and depth:
                blocks.append(_block(node, depth - 1))
    return attributes, tuple(blocks)


def _block(node: Node, depth: int) -> Block:
    # Labels are strings or identifiers; the first identifier is the kind.
    kind, *labels = [_text(each).strip('"') for each in _of_type(node, "identifier", "string_lit")]
    attributes, blocks = _body(node, depth)
    return Block(kind, labels[0] if labels else "", node.start_point[0] + 1, attributes, blocks)


def _of_type(node: Node, *types: str) -> Iterator[Node]:
    return (each for each in node.named_children if each.type in types)


def _text(node: Node) -> str:
    return (node.text or b"").decode(errors="replace")


def _plain(text: str) -> str:
    found = _PLAIN.fullmatch(text.strip())
    return found[1] if found else ""


class _Object(list[tuple[str, Any]]):
    """An object of JSON with all its members, since a key may be there several times."""


def parse_json(text: bytes) -> Body:
    """Parse a file in HCL's JSON syntax."""
    try:
        content = json.loads(text, object_pairs_hook=_Object)
        decoded = text.decode()
    except (ValueError, RecursionError):
        return UNKNOWN
    members = list(_members(content))
    return Body(dict.fromkeys((key for key, _ in members), ""), tuple(_json_blocks(members, decoded)))


def _json_blocks(
    members: list[tuple[str, Any]], text: str, *, start: int = 0, depth: int = 1
) -> Iterator[Block]:
    for kind, value in members:
        if kind not in _LABELS:
            continue
        at = _after(text, kind, start)
        for name, body in _members(value) if _LABELS[kind] else [("", value)]:
            begin = _after(text, name, at) if name else at
            inner = list(_members(body))
            attributes = {key: each if isinstance(each, str) else "" for key, each in inner}
            nested = inner if kind == _NESTING and depth else []
            blocks = tuple(_json_blocks(nested, text, start=begin, depth=depth - 1))
            yield Block(kind, name, text.count("\n", 0, begin) + 1, attributes, blocks)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the members of an object, or of all objects in a list."""
    for each in [value] if isinstance(value, _Object) else value if isinstance(value, list) else ():
        if isinstance(each, _Object):
            yield from each


def _after(text: str, key: str, start: int) -> int:
    """Return the end of a key in JSON, or the start if escapes hide the key."""
    found = re.compile(rf"{re.escape(json.dumps(key))}\s*:").search(text, start)
    return found.start() + 1 if found else start
