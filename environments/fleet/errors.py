"""The exceptions of a fleet::

    EnvironmentsError
    └── FleetError
        ├── FleetUnavailable                the store can't carry a fleet, or DBOS is not installed
        ├── FleetNotMigrated                the database has no tables of a fleet, or older ones
        ├── InvalidGoal (ValueError)        a goal that is neither a state nor a command of a fleet
        ├── InvalidSchedule (ValueError)    a schedule that can't be read
        ├── NoSuchWish (LookupError)        no wish has this number or is for this environment
        ├── NoSuchWorker (LookupError)      no worker that lives has this name
        ├── BoundToMachine                  the environment is on one machine, and the fleet is on several
        ├── Unfit                           this worker can't do the work, and another may
        ├── NotNow                          the work was cut off, and has to be taken up again
        ├── NotGranted                      the work on an environment ended otherwise than wished
        └── WorkerOver                      the worker was declared dead, and has to end

All keep their facts as attributes. Importing them needs neither DBOS nor SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from environments.model.errors import EnvironmentsError
from statechart.terminal.refusal import UsageRefused
from statechart.terminal.report import ExitCode
from statechart.wording import listed, nearest


class FleetError(EnvironmentsError, UsageRefused):
    """The root of a fleet's exceptions, each with its exit code and the next commands."""

    _code: ClassVar[str]
    _exit: ClassVar[ExitCode] = ExitCode.USAGE
    is_spelled: ClassVar[bool] = False

    def __init__(self, message: str, *steps: str) -> None:
        UsageRefused.__init__(self, message, steps, code=self._code, exit_code=self._exit)


class FleetUnavailable(FleetError):
    """The store can't carry a fleet, or the extra is not installed.

    Attributes:
        needed: The extra that is to be installed, or None.
    """

    _code = "fleet_unavailable"

    def __init__(self, message: str, *, needed: str | None = None) -> None:
        self.needed = needed
        store = "name the store: envchart fleet list --store postgresql://USER@HOST/DATABASE"
        super().__init__(message, f"pip install '{needed}', then envchart fleet list" if needed else store)


class FleetNotMigrated(FleetError):
    """The database has no tables of a fleet, or those of another version.

    Attributes:
        where: The database.
    """

    _code = "fleet_not_migrated"
    _exit = ExitCode.STORAGE

    def __init__(self, where: str, problem: str) -> None:
        self.where = where
        super().__init__(f"{where} {problem}", "envchart fleet migrate")


class InvalidGoal(FleetError, ValueError):
    """A goal is neither a state nor a command of a fleet.

    Attributes:
        goal: The goal as given.
    """

    _code = "invalid_goal"

    def __init__(self, goal: str, known: Iterable[str]) -> None:
        self.goal = goal
        known = tuple(known)
        near = nearest(goal, known)
        hint = f"did you mean {near!r}?" if near else f"there are {', '.join(known)}"
        super().__init__(f"{goal!r} is no goal of a fleet; {hint}", "envchart fleet submit --help")


class InvalidSchedule(FleetError, ValueError):
    """A schedule can't be read.

    Attributes:
        schedule: The schedule as given.
    """

    _code = "invalid_schedule"

    def __init__(self, schedule: str, problem: str) -> None:
        self.schedule = schedule
        super().__init__(
            f"{schedule!r} is no schedule: {problem}", "envchart fleet schedule drift '*/15 * * * *'"
        )


class NoSuchWish(FleetError, LookupError):
    """No wish has this number, and none is about an environment with this name.

    Attributes:
        asked: What was asked for.
        unfinished: Whether wishes that have ended don't count.
    """

    _code = "no_such_wish"
    _exit = ExitCode.NOT_FOUND

    def __init__(self, asked: str, *, unfinished: bool = False) -> None:
        self.asked = asked
        self.unfinished = unfinished
        kind = "unfinished wish" if unfinished else "wish"
        super().__init__(
            f"the fleet has no {kind} {asked!r}, nor one for an environment with this name",
            "envchart fleet list",
        )


class NoSuchWorker(FleetError, LookupError):
    """No worker that lives has this name.

    Attributes:
        asked: The name that was asked for.
        known: The names of the workers.
    """

    _code = "no_such_worker"
    _exit = ExitCode.NOT_FOUND

    def __init__(self, asked: str, known: Iterable[str]) -> None:
        self.asked = asked
        self.known: tuple[str, ...] = tuple(known)
        hint = f"there are {listed(self.known)}" if self.known else "there are none"
        super().__init__(f"no worker is called {asked!r}; {hint}", "envchart fleet workers")


class BoundToMachine(FleetError):
    """An environment is on one machine, and the fleet works on several.

    Attributes:
        name: The environment.
        provider: The kind of its provider.
    """

    _code = "bound_to_machine"
    _exit = ExitCode.NOT_ALLOWED

    def __init__(self, name: str, provider: str, hosts: Iterable[str]) -> None:
        self.name = name
        self.provider = provider
        super().__init__(
            f"{name!r} is bound to its machine (provider {provider}), "
            f"and the workers are on {listed(sorted(hosts))}",
            f"on its machine: envchart up {name}",
        )


class Unfit(FleetError):
    """This worker can't do the work, and another may.

    Attributes:
        name: The environment.
        problems: The reasons.
    """

    _code = "unfit"
    _exit = ExitCode.STEP_FAILED

    def __init__(self, name: str, problems: Iterable[str]) -> None:
        self.name = name
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(
            f"{name!r} can't be worked on here: {'; '.join(self.problems)}", f"envchart show {name}"
        )


class NotNow(FleetError):
    """The work was cut off, by a database that was away or by another holder, and has to be taken up again.

    Attributes:
        name: The environment.
    """

    _code = "not_now"
    _exit = ExitCode.CONFLICT

    def __init__(self, name: str, problem: str) -> None:
        self.name = name
        super().__init__(f"the work on {name!r} was cut off: {problem}", f"envchart show {name}")
