"""The content of a diagram, before a format draws it."""

from statechart.picture.composing import compose
from statechart.picture.marking import chosen, is_failed, path, states_of, timed
from statechart.picture.values import (
    Arrow,
    ArrowMark,
    Escape,
    Marks,
    Node,
    Note,
    Picture,
    Visit,
    identifiers,
    printable,
)

__all__ = [
    "Arrow",
    "ArrowMark",
    "Escape",
    "Marks",
    "Node",
    "Note",
    "Picture",
    "Visit",
    "chosen",
    "compose",
    "identifiers",
    "is_failed",
    "path",
    "printable",
    "states_of",
    "timed",
]
