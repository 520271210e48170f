"""The embedding API: all commands on the environments of a data directory, or of a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

from environments.chain import Chain
from environments.errors import InvalidSelection
from environments.execution.runtime import Runtime
from environments.execution.stop import StopRequest
from environments.lifecycle import Subject
from environments.many import Crew, Outcome
from environments.model.command_name import CommandName
from environments.model.environment import AnyEnvironment, Environment
from environments.model.states import AnyState
from environments.selection import Selection, several
from environments.storage.opening import opened
from environments.system.clock import SYSTEM_CLOCK
from environments.verbs.converging import Converging

if TYPE_CHECKING:
    from environments.execution.progress import Observer
    from environments.model.provider_kinds import ProviderSpec
    from environments.ports import Clock, EnvironmentRepository

ResultT = TypeVar("ResultT")
StateT = TypeVar("StateT", bound=AnyState)


class Workspace(Converging):
    """The environments of a data directory, or of a database, with all commands.

    Every method takes an environment or its name. A name is loaded under the lock; an environment
    that has changed since raises Conflict before the first step. Reads are synchronous and take no
    lock.

    Args:
        data_dir: The directory of the environments, made on the first `create`; or the URL of a
            database, as `postgresql://USER@HOST/DATABASE` or `sqlite:///FILE`, which needs the extra `sql`.
        providers: Classes of providers that are neither installed nor registered, for this workspace.
        repository: A storage instead of that at `data_dir`; it knows its own `providers`.
        clock: Tells the time.
        observers: Called with the progress of every command.
        lock_timeout: How many seconds to wait for another holder of an environment.
        stop: Asks the running command to stop after the current step.
        allow_network_filesystem: Accept a `data_dir` where locks don't exclude other machines.
        actor: The author of the changes, as records name it; by default the user of this process.
        refreshes: In a store of many machines, whether a release takes the application of this machine if
            the machine has it; without, always the recorded copy, as a worker does.

    Raises:
        TypeError: A provider has no default for its `kind`, or `repository` is given as well.
        ValueError: The actor is not a short line of printable characters.
        InvalidUrl: The URL can't be read.
        DriverMissing: The packages that reach the database are not installed.
    """

    def __init__(
        self,
        data_dir: str | Path = "data",
        *,
        providers: Iterable[type[ProviderSpec]] = (),
        repository: EnvironmentRepository | None = None,
        clock: Clock | None = None,
        observers: Sequence[Observer] = (),
        lock_timeout: float = 0.0,
        stop: StopRequest | None = None,
        allow_network_filesystem: bool = False,
        actor: str | None = None,
        refreshes: bool = True,
    ) -> None:
        providers = tuple(providers)
        if repository is not None and providers:
            raise TypeError("give the providers to the repository: FileRepository(data_dir, providers=[…])")
        if repository is not None and actor is not None:
            raise TypeError("give the actor to the repository: FileRepository(data_dir, actor=…)")
        storage = repository or opened(
            data_dir,
            allow_network_filesystem=allow_network_filesystem,
            providers=providers,
            actor=actor,
        )
        runtime = Runtime(
            storage,
            clock=clock or SYSTEM_CLOCK,
            observers=tuple(observers),
            lock_timeout=lock_timeout,
            stop=stop or StopRequest(),
            refreshes=refreshes,
        )
        super().__init__(storage, runtime)

    @overload
    def chain(self, environment: Environment[StateT]) -> Chain[StateT]: ...

    @overload
    def chain(self, environment: str) -> Chain[Any]: ...  # Any: only the chart knows, at run time

    def chain(self, environment: AnyEnvironment | str) -> Chain[Any]:
        """Begin a chain of commands, as in `await workspace.chain("demo").release().run()`.

        Nothing runs before the chain is awaited.
        """
        subject = None if isinstance(environment, str) else Subject.of(environment)
        return Chain(self._perform, self._runtime.stop, environment, subject=subject)

    def many(
        self,
        chosen: Selection | Iterable[str] | str,
        work: Callable[[Workspace, str], Awaitable[ResultT]],
        *,
        parallel: int = 4,
    ) -> AsyncIterator[Outcome[ResultT]]:
        """Work on several environments at once, and yield the outcome of each when its work ends.

        An error in one does not stop the others. A stop request starts no more work: commands under
        way stop after their step, and the rest ends with `NotStarted`. A cancellation ends the
        commands under way, and is raised after their outcomes. To leave the iteration early and wait
        for the work under way to end, use `contextlib.aclosing`.

        Args:
            chosen: A name, several names, or a selection.
            work: A method such as `Workspace.destroy`, or a function of a workspace and a name.
            parallel: The number of environments that are worked on at the same time.

        Raises:
            NotFound: A name does not exist; nothing was started.
            NothingMatches: A pattern of the selection matches no environment.
            InvalidSelection: The selection has no condition; for all environments, say `all=True`.
            ValueError: `parallel` is less than 1.
        """
        if parallel < 1:
            raise ValueError(f"parallel is {parallel}, and has to be at least 1")
        if isinstance(chosen, Selection):
            if chosen.is_empty:  # such as by an empty list of names, which must not mean all
                raise InvalidSelection("the selection has no condition; for all environments, say all=True")
            names = tuple(each.name for each in self.select(chosen))
        else:
            names = tuple(dict.fromkeys(several(chosen)))
            known = set(self.names())
            for name in names:
                if name not in known:
                    self.load(name)  # raises the error of its name
        watched = copy(self)
        crew = Crew(lambda name: work(watched, name), parallel, self._runtime.stop)
        observers = (*self._runtime.observers, crew.observe)
        watched._runtime = replace(self._runtime, observers=observers)
        return crew.outcomes(names)

    async def _perform(
        self, command: CommandName | None, environment: AnyEnvironment | str, **options: object
    ) -> AnyEnvironment:
        if command is None:
            return self.load(environment) if isinstance(environment, str) else environment
        performed: AnyEnvironment = await getattr(self, command)(environment, **options)
        return performed
