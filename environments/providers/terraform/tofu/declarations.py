"""The blocks that a module's root directory declares, read without Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from environments.providers.terraform.tofu.syntax import Block, Body, parse_hcl, parse_json

TEMPLATE = ".j2"
_MODULE_FILE = re.compile(r"[^./][^/]*\.(tf|tofu)(\.json)?")
_VALUES_FILE = re.compile(r"(terraform\.tfvars|[^/]*\.auto\.tfvars)(\.json)?")
_NAMED = ("variable", "output", "module")
_REMOTE = ("backend", "cloud", "state_store")
# Statements and comments of Jinja2 leave nothing behind, expressions leave a word.
_TEMPLATED = re.compile(rb"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}", re.S)
_WORD = "envchart_rendered"


@dataclass(frozen=True, slots=True)
class Declared:
    """A block of a module.

    Attributes:
        kind: The kind, such as `variable`; of a block in `terraform`, the kind of the inner block.
        name: The label, if the block has one.
        place: The file and the line.
        source: The source of a called module, if it is a plain string.
        has_default: Whether the block has a default.
        certain: Whether the block is there, whatever the statements of a template do.
        type: The type of a variable, as it is written.
        attributes: The attributes of a block in `terraform`, each with its value if that is a plain string.
    """

    kind: str
    name: str
    place: str
    source: str
    has_default: bool
    certain: bool
    type: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f'{self.kind} "{self.name}"' if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Declarations:
    """The blocks of a module's root directory.

    Attributes:
        blocks: The variables, outputs and called modules of all files, and the blocks in `terraform`.
        values: The variables that the module's own `.tfvars` files set.
        complete: Whether the module declares nothing else, since all files could be read.
        empty: Whether the directory holds no file of Terraform.
    """

    blocks: tuple[Declared, ...]
    values: frozenset[str]
    complete: bool
    empty: bool

    @classmethod
    def of(cls, files: Mapping[str, bytes]) -> Declarations:
        """Read a module's files, by their relative names; templates need not be rendered.

        Files of other directories are ignored, as Terraform ignores them.

        Raises:
            StepFailed: The parser is not installed.
        """
        blocks: list[Declared] = []
        values: set[str] = set()
        complete, empty = True, True
        for name, content in sorted(files.items()):
            if _VALUES_FILE.fullmatch(name.removesuffix(TEMPLATE)):
                values |= _parsed(name, content).attributes.keys()
            elif is_declaring(name):
                found, whole = _declared(name, content)
                blocks += found
                complete, empty = complete and whole, False
        return cls(tuple(blocks), frozenset(values), complete, empty)

    def names(self, kind: str) -> set[str]:
        """Return the names of the blocks of a kind, such as `output`."""
        return {block.name for block in self.blocks if block.kind == kind}

    def types(self) -> dict[str, str]:
        """Return the types of the variables, as they are written."""
        # A file that overrides another may leave the type out.
        return {block.name: block.type for block in self.blocks if block.type}

    def required(self) -> list[Declared]:
        """Return the variables that need a value and get none from the module's own files."""
        variables = [block for block in self.blocks if block.kind == "variable"]
        # A file that overrides another may add the default.
        given = {block.name for block in variables if block.has_default} | self.values
        return [block for block in variables if block.certain and block.name not in given]

    def remote(self) -> list[Declared]:
        """Return the blocks that keep Terraform's state elsewhere."""
        return [block for block in self.blocks if block.kind in _REMOTE and block.certain]

    def sources(self) -> list[str]:
        """Return the sources of the called modules that are relative paths."""
        return [block.source for block in self.blocks if block.source.startswith(("./", "../"))]


def is_declaring(name: str) -> bool:
    """Return whether a file of a module's root directory, by its name, can declare a block or a value."""
    rendered = name.removesuffix(TEMPLATE)
    return bool(_MODULE_FILE.fullmatch(rendered) or _VALUES_FILE.fullmatch(rendered))


def _declared(name: str, content: bytes) -> tuple[list[Declared], bool]:
    """Return the blocks of a file, and whether it declares nothing else."""
    body = _parsed(name, content)
    # With an error in the file, or a statement around a block, a block may not be there after all.
    certain = body.whole and not (name.endswith(TEMPLATE) and b"{%" in content)
    found = [
        Declared(
            kind=block.kind,
            name=block.name,
            place=f"{name}:{block.line}",
            source=block.attributes.get("source", "") if block.kind == "module" else "",
            has_default="default" in block.attributes,
            certain=certain,
            type=block.attributes.get("type", "") if block.kind == "variable" else "",
            attributes=block.attributes if block.kind in _REMOTE else {},
        )
        for block in _interesting(body)
    ]
    return found, body.whole and not any(_WORD in block.name for block in found)


def _interesting(body: Body) -> Iterator[Block]:
    for block in body.blocks:
        if block.kind in _NAMED:
            yield block
        elif block.kind == "terraform":
            yield from block.blocks


def _parsed(name: str, content: bytes) -> Body:
    text = content.removeprefix(b"\xef\xbb\xbf")
    if name.endswith(TEMPLATE):
        text = _TEMPLATED.sub(_masked, text)
    return (parse_json if name.removesuffix(TEMPLATE).endswith(".json") else parse_hcl)(text)


def _masked(found: re.Match[bytes]) -> bytes:
    """Return a word in the place of an expression, with as many lines as before."""
    word = _WORD.encode() if found[0].startswith(b"{{") else b""
    return word + b"\n" * found[0].count(b"\n")
