"""A YAML document whose keys and items know their lines."""

from __future__ import annotations

import re
import warnings
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, StreamMark, StringMark, YAMLError, YAMLWarning
from ruamel.yaml.nodes import MappingNode, ScalarNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.resolver import VersionedResolver, implicit_resolvers

from environments.configuration.messages import Place, Problem

_TAG: Final = "tag:yaml.org,2002:"
_YAML_1_1: Final = (1, 1)
_MISTAGGED = "the value does not fit its tag"
_MERGED = "keys can't be merged; write them out"
_PLAINER = {
    "found undefined alias": "a value that begins with '*' has to be put in quotes",
    "could not determine a constructor": "a value that begins with '!' has to be put in quotes",
    "found undefined tag handle": "a value that begins with '!' has to be put in quotes",
    "duplicate tag handle": "the document defines a tag handle twice",
    "failed to": _MISTAGGED,
    "maximum depth": "it is nested too deeply",
}
_DEEPEST: Final = 100
_LONGEST_INT: Final = 10_000  # in bits
_REPEATED: Final = object()  # stands where an alias repeats a mapping or a list

KeyProblems: TypeAlias = dict[int, dict[tuple[str, str], None]]
"""Keys of mappings and their problems in order, by the mapping's id."""


class NotYaml(Exception):
    """The text is not YAML that a spec may use.

    Attributes:
        problem: The problem, without quoting the text, which may hold a secret.
        line: The line, if it is known.
        column: The column, if the line is known.
    """

    def __init__(self, problem: str, mark: StreamMark | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line: int | None = mark.line + 1 if mark else None
        self.column: int | None = mark.column + 1 if mark else None


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed document.

    Attributes:
        content: The value of the document, in plain dictionaries, lists and scalars.
        problems: Repeated keys, keys that are not strings, and aliases: YAML allows them, a spec does not.
    """

    content: Any
    problems: tuple[Problem, ...]
    _marked: Any

    def line(self, place: Place) -> int:
        """Return the line of a place, or of the nearest enclosing place that the document contains."""
        here = self._marked
        line: int = here.lc.line
        for part in place:
            # Keys have four coordinates, items two; the first is always the line.
            if not isinstance(here, CommentedMap | CommentedSeq) or part not in (here.lc.data or {}):
                break
            line, here = here.lc.data[part][0], here[part]
        return line + 1


def parse_yaml(text: bytes) -> Document:
    """Parse a single YAML 1.1 document.

    Raises:
        NotYaml: The text is not YAML, holds several documents, or has a value that its tag does not allow.
    """
    decoded = _decoded(text)
    # The pure safe loader, since the round-trip one spends its effort on comments.
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor, yaml.Resolver = _Constructor, _Resolver
    yaml.composer.warn_double_anchors = False
    yaml.max_depth = _DEEPEST
    try:
        marked = yaml.load(decoded)
        problems: list[Problem] = []
        content = _plain(marked, (), yaml.constructor.key_problems, problems)
    except ConstructorError as error:
        raise NotYaml(_plainer(error), error.problem_mark) from None
    except MarkedYAMLError as error:
        raise NotYaml(f"it is not YAML: {_plainer(error)}", error.problem_mark) from None
    except ReaderError as error:
        code = f"#x{error.character:02x}"
        mark = _mark(decoded[: error.position])
        raise NotYaml(f"it is not YAML: the control character {code} is there", mark) from error
    except YAMLError as error:
        raise NotYaml(f"it is not YAML: {str(error).splitlines()[0]}") from error
    return Document(content, tuple(problems), marked)


def _decoded(text: bytes) -> str:
    encoding = "utf-16" if text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return text.decode(encoding)
    except UnicodeDecodeError as error:
        mark = _mark(text[: error.start].decode(encoding, errors="replace"))
        raise NotYaml("it is not text in UTF-8", mark) from None


def _mark(before: str) -> StringMark:
    """Return the place after a text."""
    lines = before.split("\n")
    return StringMark(None, len(before), len(lines) - 1, len(lines[-1]), None, 0)


# ruamel's rules for YAML 1.1 read `y` as true and `1e3` as a number; specs are read as by PyYAML, in which
# both are strings.
_OWN_RULES = {
    "bool": (r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    "int": (
        r"[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+"
        r"|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9]){1,9}",
        "-+0123456789",
    ),
    "float": (
        r"[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
        r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,9}\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+0123456789.",
    ),
}


def _rules() -> dict[str, list[tuple[str, Any]]]:  # Any: a compiled pattern, of re or of ruamel
    shared = [
        (tag, pattern, first)
        for versions, tag, pattern, first in implicit_resolvers
        if _YAML_1_1 in versions and tag.removeprefix(_TAG) not in _OWN_RULES
    ]
    own = [
        (_TAG + kind, re.compile(f"^(?:{pattern})$"), list(first))
        for kind, (pattern, first) in _OWN_RULES.items()
    ]
    rules: dict[str, list[tuple[str, Any]]] = {}
    for tag, pattern, first in [*own, *shared]:
        for character in first:
            rules.setdefault(character, []).append((tag, pattern))
    return rules


_RULES = _rules()


def is_read_as_text(word: str) -> bool:
    """Return whether a word without quotes is read as the text that it is."""
    return not any(pattern.match(word) for _, pattern in _RULES.get(word[:1], ()))


class _Resolver(VersionedResolver):
    """Reads plain scalars by the rules of YAML 1.1, whatever version the document declares."""

    @property
    def processing_version(self) -> tuple[int, int]:
        """The version of YAML."""
        return _YAML_1_1

    @property
    def versioned_resolver(self) -> dict[str, list[tuple[str, Any]]]:  # Any: see _rules
        """The tags of plain scalars and their patterns, by the first character."""
        return _RULES


def _construct_int(constructor: SafeConstructor, node: ScalarNode) -> int:
    value: int = SafeConstructor.construct_yaml_int(constructor, node)
    # Python refuses to write longer numbers in decimals.
    if value.bit_length() > _LONGEST_INT:
        raise ValueError("the number is too long")
    return value


def _construct_float(constructor: SafeConstructor, node: ScalarNode) -> float:
    # ruamel warns of `!!float 1e3`, which lacks the dot that YAML 1.1 requires, on stderr.
    with warnings.catch_warnings(action="ignore", category=YAMLWarning):
        return SafeConstructor.construct_yaml_float(constructor, node)


class _Constructor(RoundTripConstructor):
    """Builds mappings and lists that know their lines, and plain scalars."""

    yaml_constructors = {  # noqa: RUF012  # as in the base class
        **{
            _TAG + kind: SafeConstructor.yaml_constructors[_TAG + kind]
            for kind in ("null", "bool", "binary", "timestamp", "str")
        },
        _TAG + "int": _construct_int,
        _TAG + "float": _construct_float,
        _TAG + "map": RoundTripConstructor.construct_yaml_map,
        _TAG + "seq": RoundTripConstructor.construct_yaml_seq,
        None: SafeConstructor.construct_undefined,
    }
    construct_scalar = SafeConstructor.construct_scalar

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.key_problems: KeyProblems = {}

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Build the value of a node once; where an alias repeats a mapping or a list, mark the place."""
        # The base class also gives a list that contains itself a null, which could not be told apart.
        if not isinstance(node, ScalarNode) and (
            node in self.constructed_objects or node in self.recursive_objects
        ):
            return _REPEATED
        return super().construct_object(node, deep)

    def construct_non_recursive_object(self, node: Any, tag: str | None = None) -> Any:
        """Build a value, and give its line to errors that don't know it."""
        try:
            return super().construct_non_recursive_object(node, tag)
        except (ValueError, LookupError, AttributeError, TypeError) as error:
            # Python quotes the value, which may be a secret, in all but the messages about dates.
            told = str(error) if type(error) is ValueError and "'" not in str(error) else _MISTAGGED
            raise ConstructorError(None, None, told, node.start_mark) from None

    def construct_mapping(  # type: ignore[override]  # as RoundTripConstructor overrides it
        self, node: MappingNode, maptyp: Any, deep: bool = False
    ) -> None:
        """Fill a mapping, whose keys all become strings; note keys that were not."""
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise ConstructorError(None, None, "a key has to be a string", key.start_mark)
            if key.tag != _TAG + "str":
                merge = key.tag == _TAG + "merge"  # as a string, `<<` does not merge
                problem = _MERGED if merge else "a key has to be a string; put it in quotes"
                self._note(maptyp, key.value, problem)
                key.tag = _TAG + "str"
        super().construct_mapping(node, maptyp, deep)

    def check_mapping_key(
        self,
        node: Any,  # noqa: ARG002  # the base class calls it with all five
        key_node: Any,  # noqa: ARG002
        mapping: Any,
        key: str,
        value: Any,  # noqa: ARG002
    ) -> bool:
        """Note a repeated key; the last value and its line are kept."""
        if key in mapping:
            self._note(mapping, key, "the key is there twice")
        return True

    def _note(self, mapping: Any, key: str, problem: str) -> None:
        self.key_problems.setdefault(id(mapping), {})[key, problem] = None


def _plain(value: Any, place: Place, noted: KeyProblems, problems: list[Problem]) -> Any:
    """Return a value without its marks, and add the problems inside of it."""
    if value is _REPEATED:
        problems.append((place, "it repeats another part through an alias; write it out"))
    if isinstance(value, CommentedSeq):
        return [_plain(item, (*place, number), noted, problems) for number, item in enumerate(value)]
    if isinstance(value, CommentedMap):
        problems += [((*place, key), problem) for key, problem in noted.get(id(value), ())]
        keys = {key: _whole(key, (*place, key), problems) for key in value}
        return {keys[key]: _plain(item, (*place, key), noted, problems) for key, item in value.items()}
    return _whole(value, place, problems) if isinstance(value, str) else value


def _whole(text: str, place: Place, problems: list[Problem]) -> str:
    """Return a text with the two escapes of a character in JSON joined."""
    try:
        if not text.isascii():
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        text.encode()
    except UnicodeEncodeError:
        problems.append((place, "contains a character that UTF-8 lacks"))
    return text


def _plainer(error: MarkedYAMLError) -> str:
    # Only the problem: the rest of the message quotes the file.
    problem = re.sub(r"\((.*),\)$", r"\1", error.problem or error.context or "")  # a tuple's text
    return next((told for begin, told in _PLAINER.items() if problem.startswith(begin)), problem)
