"""Requests for a command: its name, and the revision of the environment that the person has seen."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from environments.dashboard.acting.actions import ACTIONS, Action
from environments.dashboard.desk import checked
from statechart.dashboard.forms import form
from statechart.dashboard.query import HIGHEST, number
from statechart.dashboard.refusals import Refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from environments.model.environment import AnyEnvironment


@dataclass(frozen=True, slots=True)
class Asked:
    """The action that a request asks for.

    Attributes:
        name: The environment.
        action: The command.
        expected: The incarnation, if it is said, and the revision that the person has seen.
        confirmed: The name that was typed, or None.
    """

    name: str
    action: Action
    expected: tuple[str, int]
    confirmed: str | None

    @classmethod
    async def read(cls, request: Request) -> Asked:
        """Read a request.

        Raises:
            Refused: There is no such command, or the form is not one of ours.
        """
        action = ACTIONS.get(request.path_params["command"])
        if action is None:
            raise Refused(HTTPStatus.NOT_FOUND, "not_found", "there is no such command")
        fields = await form(request)
        lineage, _, revision = fields.get("expected", "").rpartition("-")
        seen = number(revision, 0, 0, HIGHEST)
        if not seen:
            raise Refused(
                HTTPStatus.BAD_REQUEST,
                "no_revision",
                "the form does not say which revision of the environment it is about",
                ("use the buttons of the environment's page",),
            )
        return cls(checked(request.path_params["name"]), action, (lineage, seen), fields.get("confirm"))

    def fits(self, environment: AnyEnvironment) -> bool:
        """Return whether an environment is as the person has seen it."""
        lineage, revision = self.expected
        return revision == environment.revision and lineage in ("", environment.lineage)


def expectation(environment: AnyEnvironment) -> str:
    """Return an environment's revision, as forms say it."""
    return f"{environment.lineage}-{environment.revision}"
