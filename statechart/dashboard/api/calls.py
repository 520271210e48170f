"""The calls of an API, of which its routes and its description are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from statechart.dashboard.api.answering import Answer
    from statechart.dashboard.api.parameters import Parameter, Values
    from statechart.dashboard.api.schemas import Schema

DeskT = TypeVar("DeskT")

Schemas: TypeAlias = "Callable[[], Mapping[str, Schema]]"

BASE = "/api/v1"
"""The path that all paths of an API begin with."""


@dataclass(frozen=True, slots=True)
class Ask(Generic[DeskT]):
    """A request, once its path and its parameters are understood.

    Attributes:
        desk: Where the answer comes from.
        values: The values of the parameters.
        path: The path of the request.
        name: The name that the path has, if any.
    """

    desk: DeskT
    values: Values
    path: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Call(Generic[DeskT]):
    """A path of an API.

    Attributes:
        path: The path below `/api/v1`.
        id: The identifier of the operation.
        about: A line about the answer.
        command: The command that prints the same document.
        schema: The name of the document's schema.
        answer: Answers a request.
        parameters: The parameters of the query.
    """

    path: str
    id: str
    about: str
    command: str
    schema: str
    answer: Callable[[Ask[DeskT]], Answer]
    parameters: Sequence[Parameter] = ()

    @property
    def is_about_one(self) -> bool:
        """Whether the path has a name."""
        return "{name}" in self.path


@dataclass(frozen=True, slots=True)
class Api(Generic[DeskT]):
    """An API.

    Attributes:
        title: The title of its description.
        about: A sentence about it.
        noun: A word for what has a name, such as `environment`.
        program: The command that serves it.
        calls: The calls that answer with a document.
        schemas: Makes the schemas of the documents, by name.
    """

    title: str
    about: str
    noun: str
    program: str
    calls: Sequence[Call[DeskT]]
    schemas: Schemas
