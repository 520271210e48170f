"""Compare the declaration of an environment with that which its commands have applied."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from environments.checks.changes import Change, Place, changes, fields_of, without
from environments.checks.difference import OUTDATED, Difference
from environments.model.command_name import PATH, CommandName
from environments.model.operation import merged
from environments.model.records import StepRecord, TransitionRecord
from environments.model.states import EnvironmentState
from environments.ports import CopiesSource, KeepsManifests
from environments.secrets.redaction import redactor
from statechart.wording import counted

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.observation import Source
    from environments.model.provider_kinds import ProviderSpec
    from environments.model.records import HistoryEntry
    from environments.ports import Provider

_DONE: dict[EnvironmentState, int] = {
    EnvironmentState.PROVISIONED: 1,
    EnvironmentState.CONFIGURE_FAILED: 1,
    EnvironmentState.CONFIGURED: 2,
    EnvironmentState.RELEASE_FAILED: 2,
    EnvironmentState.RELEASED: 3,
    EnvironmentState.RUN_FAILED: 3,
    EnvironmentState.RUNNING: 4,
}
_DIGEST = re.compile(r"[0-9a-f]{12,}")
_ACHIEVING = {"provisioned", "configured", "released", "running"}
# The content of the application is compared instead of the place that it comes from.
_OF_THE_SOURCE = {"app", "pinned_release"}


def done(environment: AnyEnvironment) -> tuple[CommandName, ...]:
    """Return the commands of the path whose success the state stands for, in order."""
    return PATH[: _DONE.get(environment.state.name, 0)]


@dataclass(frozen=True)
class Declaration:
    """The declaration of an environment, compared with what its commands have applied.

    Attributes:
        environment: The environment as recorded, or with another spec that is only considered.
        provider: The provider that works on the environment.
        directory: The directory with the environment's files.
        entries: Returns the history, which is read only if a command's inputs differ.
        overridden: Whether the provider works instead of the provider in the spec.
        placed: Returns a spec with the copies of its files that are kept for other machines.
    """

    environment: AnyEnvironment
    provider: Provider
    directory: Path
    entries: Callable[[], Iterable[HistoryEntry]] = field(repr=False)
    overridden: bool = False
    placed: Callable[[ProviderSpec], ProviderSpec] = lambda spec: spec

    def differences(self) -> tuple[Difference, ...]:
        """Return the differences, by the command that applies the declaration. Each change is told once."""
        found: list[Difference] = []
        told: set[Place] = set()
        for command in done(self.environment):
            lines = [*self._changed(command, told), *self._content(command)]
            if command is CommandName.RELEASE and (app := self._app()):
                lines.append(app)
            found += [Difference(OUTDATED[command], line, None, "up", command) for line in lines]
        if not found:
            return ()
        # A plain value may hold what is a secret elsewhere in the declaration.
        redact = redactor(self.environment.spec)
        return tuple(replace(each, what=redact(each.what)) for each in found)

    def _inputs(self, command: CommandName, environment: AnyEnvironment) -> dict[str, str]:
        spec = environment.spec.provider
        provider = self.provider if self.overridden else cast("Provider", self.placed(spec))
        return merged((step.name, step.input_digests) for step in provider.steps(command, environment))

    def _with(self, provider: ProviderSpec) -> AnyEnvironment:
        spec = self.environment.spec.model_copy(update={"provider": provider})
        return self.environment.model_copy(update={"spec": spec})

    def _is_applied(self, command: CommandName) -> bool:
        """Return whether the inputs recorded with the command's success are those of today."""
        applied = self.environment.applied.get(command)
        now = self._inputs(command, self.environment)
        return applied is not None and bool(now) and applied.inputs == now

    def _changed(self, command: CommandName, told: set[Place]) -> Iterator[str]:
        """Yield the changes of the spec since the command's last success that the command applies."""
        if self._is_applied(command):
            return
        before = self._then.get(command)
        if before is None:
            yield from self._unexplained(command)
            return
        for change in self._attributed(command, before.spec.provider):
            if change.place not in told:
                told.add(change.place)
                yield str(change)

    def _attributed(self, command: CommandName, before: ProviderSpec) -> Iterator[Change]:
        """Yield the changes that change the command's inputs, each taken back by itself."""
        today = self.environment.spec.provider
        changed = [each for each in changes(before, today) if not self._is_of_source(command, each.place)]
        now, then = self._inputs(command, self.environment), self._inputs(command, self._with(before))
        if not now and not then:  # the provider's steps name no inputs
            fields = _declared_by(command, before, today)
            yield from (each for each in changed if each.place[0] in fields)
            return
        if now == then:
            return
        relevant = [each for each in changed if self._matters(command, each, now)]
        # Changes that only together are valid, or only together matter.
        yield from relevant or changed

    def _matters(self, command: CommandName, change: Change, now: dict[str, str]) -> bool:
        today = self.environment.spec.provider
        try:
            reverted = type(today).model_validate(without(fields_of(today), change))
        except ValidationError:
            return False
        return self._inputs(command, self._with(reverted)) != now

    def _is_of_source(self, command: CommandName, place: Place) -> bool:
        return command is CommandName.RELEASE and self._wanted is not None and place[0] in _OF_THE_SOURCE

    def _unexplained(self, command: CommandName) -> Iterator[str]:
        """Yield the inputs that differ, where the history does not tell what they were."""
        applied = self.environment.applied.get(command)
        if applied is not None:
            yield from self._differing(applied.inputs, self._inputs(command, self.environment))

    def _content(self, command: CommandName) -> Iterator[str]:
        """Yield the files outside of the spec that differ from those that the command applied."""
        applied, before = self.environment.applied.get(command), None
        if applied is not None and not self._is_applied(command):
            before = self._then.get(command)
        if applied is not None and before is not None:
            # With the spec and the outputs of that time, only such files can make a difference.
            yield from self._differing(applied.inputs, self._inputs(command, before))

    def _differing(self, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
        """Yield a line for each input that differs; another version may have had other inputs."""
        both = (key for key in sorted(before.keys() & now.keys()) if before[key] != now[key])
        for key in dict.fromkeys(key.rpartition(".")[2] for key in both):
            value = getattr(self.environment.spec.provider, key, None)
            if isinstance(value, Path):
                yield f"the files in {value} differ" if value.is_dir() else f"{value.name} differs"
            else:
                yield f"{key.replace('_', ' ')} differs"

    @cached_property
    def _then(self) -> dict[CommandName, AnyEnvironment]:
        """The environment as each command began that last succeeded, as far as the history tells."""
        found: dict[CommandName, AnyEnvironment] = {}
        revisions = {applied.revision: command for command, applied in self.environment.applied.items()}
        begun: dict[str, AnyEnvironment] = {}
        for entry in self.entries():
            record = entry.record
            if isinstance(record, StepRecord):
                continue
            operation = entry.operation_id
            if operation is not None and operation not in begun:
                begun = {operation: record.environment}
            command = revisions.get(entry.revision)
            if command is None and isinstance(record, TransitionRecord):
                command = self._achieved(record)
            if command is not None and operation is not None:
                found[command] = begun.get(operation, record.environment)
        known = type(self.environment.spec.provider)
        return {command: each for command, each in found.items() if type(each.spec.provider) is known}

    def _achieved(self, record: TransitionRecord) -> CommandName | None:
        """Return the command that a transition ended, in a history of an earlier version."""
        if record.event not in ("complete", "run") or record.to_state not in _ACHIEVING:
            return None
        command = PATH[_DONE[EnvironmentState(record.to_state)] - 1]
        return None if command in self.environment.applied else command

    @cached_property
    def _source(self) -> Source | None:
        return self.provider.source(self.directory) if isinstance(self.provider, CopiesSource) else None

    @property
    def _wanted(self) -> str | None:
        """The release that a release would install now, or None if that is not known."""
        if not isinstance(self.provider, CopiesSource):
            return None
        pinned: str | None = getattr(self.provider, "pinned_release", None)
        return pinned or (self._source.release if self._source is not None else None)

    def _app(self) -> str | None:
        """Return a sentence if the application differs from the installed release."""
        wanted, release = self._wanted, self.environment.outputs.release
        if wanted is None or release is None or wanted == release:
            return None
        if self._source is None:
            return f"release {short(wanted)} is declared instead of {short(release)}"
        numbers = self._numbers(self._source, release)
        return f"app differs from release {short(release)}{f': {numbers}' if numbers else ''}"

    def _numbers(self, source: Source, release: str) -> str:
        """Return how many files of the application differ from a release, or an empty string."""
        installed = (
            self.provider.manifest(self.directory, release)
            if isinstance(self.provider, KeepsManifests)
            else None
        )
        if installed is None or source.entries is None:
            return ""
        common = installed.keys() & source.entries.keys()
        changed = sum(installed[name] != source.entries[name] for name in common)
        new, gone = len(source.entries) - len(common), len(installed) - len(common)
        counts = [(changed, "changed"), (new, "new"), (gone, "removed")]
        (first, word), *others = [each for each in counts if each[0]]
        files = f"{counted(first, 'file')} {word}"
        return ", ".join([files, *(f"{count} {word}" for count, word in others)])


def short(release: str) -> str:
    """Return the beginning of a release's name, if the name is a digest."""
    return release[:6] if _DIGEST.fullmatch(release) else release


def _declared_by(command: CommandName, before: ProviderSpec, after: ProviderSpec) -> Collection[str]:
    """Return the changed fields that a command applies, of a provider whose steps name no inputs."""
    provisioned, configured = before.needs_provision(after), before.needs_configure(after)
    match command:
        case CommandName.PROVISION:
            return provisioned
        case CommandName.CONFIGURE:
            return configured
        case CommandName.RELEASE:  # whatever needs neither of the two
            return {each.place[0] for each in changes(before, after)} - {*provisioned, *configured}
        case _:
            return ()
