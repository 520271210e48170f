"""A request to the API, once its path and its parameters are understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from environments.dashboard.desk import surroundings_of
from statechart.terminal.program.moments import read_moment

if TYPE_CHECKING:
    from datetime import datetime

    from environments.dashboard.api.parameters import Parameter, Values
    from environments.dashboard.desk import Desk
    from statechart.dashboard.answering import Answer


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the API.

    Attributes:
        desk: Where the answer comes from.
        values: The values of the parameters.
        path: The path of the request.
        name: The environment, if the path names one.
    """

    desk: Desk
    values: Values
    path: str
    name: str = ""

    def moment(self) -> int | datetime | None:
        """Return the revision or the time that the parameter `at` names; None if it is not given.

        Raises:
            UsageRefused: It names neither.
        """
        at: str | None = self.values["at"]
        return None if at is None else read_moment(surroundings_of(self.desk), self.name, at.strip())


@dataclass(frozen=True, slots=True)
class Call:
    """A path of the API.

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
    answer: Callable[[Ask], Answer]
    parameters: Sequence[Parameter] = ()

    @property
    def is_about_one(self) -> bool:
        """Whether the path names an environment."""
        return "{name}" in self.path
