"""The view of an environment."""

from __future__ import annotations

from collections.abc import Callable

from environments.model.environment import AnyEnvironment, Environment
from environments.model.states import Created
from environments.model.summary import Summary
from environments.presentation.view import look


class Ending:
    """A reader of an environment whose command ends while it is looked at."""

    def __init__(self, *seen: AnyEnvironment) -> None:
        self._seen = list(seen)

    def load(self, name: str) -> AnyEnvironment:
        return self._seen.pop(0) if len(self._seen) > 1 else self._seen[0]

    def holder(self, name: str) -> None:
        return None

    def summary(self, name: str) -> Summary:
        return Summary.of(self._seen[-1])


def test_a_command_that_ends_during_the_look_is_not_taken_for_interrupted(
    created: Environment[Created], crash: Callable[..., AnyEnvironment]
) -> None:
    begun = crash("run", None, "first_run")

    assert not look(Ending(begun, created), "demo").interrupted
    assert look(Ending(begun, begun), "demo").interrupted
