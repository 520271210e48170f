"""The provider of environments on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from environments.model.command_name import CommandName
from environments.model.provider_kinds import ProviderSpec
from environments.providers.common.app_files import source_of, unfit
from environments.providers.common.failures import certainly
from environments.providers.common.paths import absolute, absolute_secrets
from environments.providers.local.layout import Layout
from environments.providers.local.observation import observe
from environments.providers.local.plain_secrets import plain_secrets
from environments.providers.local.releases import Releases
from environments.providers.local.settings import LocalSettings
from environments.providers.local.steps.release import configure_steps, release_steps
from environments.providers.local.steps.resources import destroy_steps, provision_steps, stop_steps
from environments.providers.local.steps.service import run_steps
from environments.secrets.references import SecretRef

if TYPE_CHECKING:
    from environments.model.environment import AnyEnvironment
    from environments.model.observation import Observation, Source
    from environments.model.steps import Step
    from environments.ports import CopiesSource, KeepsManifests, Provider

_STEPS = {
    CommandName.PROVISION: provision_steps,
    CommandName.CONFIGURE: configure_steps,
    CommandName.RELEASE: release_steps,
    CommandName.RUN: run_steps,
    CommandName.STOP: stop_steps,
    CommandName.DESTROY: destroy_steps,
}


class LocalProvider(LocalSettings, frozen=True, extra="forbid"):
    """An environment on this machine: a directory, a loopback port, and the application's process.

    The spec is also the provider of environments with this spec. Its validation needs no access to the
    disk; `problems` checks the files that it names.
    """

    if TYPE_CHECKING:
        # For type checkers: pydantic converts a string to a path, and lists to tuples.
        def __init__(
            self,
            *,
            kind: Literal["local"] = "local",
            app: Path | str,
            command: Sequence[str] = (),
            health: str = "/health",
            port: int | None = None,
            env: Mapping[str, str | SecretRef] = {},
            files: Mapping[str, str] = {},
            start_timeout: timedelta = timedelta(seconds=10),
            settle: timedelta = timedelta(seconds=0.3),
            stop_grace: timedelta = timedelta(seconds=5),
            preflight: bool = True,
            pinned_release: str | None = None,
        ) -> None: ...

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the changed fields of `new` that only provisioning can apply."""
        moved = isinstance(new, LocalProvider) and new.port != self.port
        return (*super().needs_provision(new), *(("port",) if moved else ()))

    def needs_configure(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the changed fields of `new` that only configuring can apply."""
        return ("files",) if isinstance(new, LocalProvider) and new.files != self.files else ()

    def relative_to(self, directory: Path, /) -> LocalProvider:
        """Return a copy with absolute paths: relative to a directory, `~` is the user's home."""
        env = absolute_secrets(self.env, directory)
        return self.model_copy(update={"app": absolute(self.app, directory), "env": env})

    def problems(self) -> tuple[str, ...]:
        """Return the reasons why the spec can't be used now, a line each; checks the disk."""
        return (*self._problems_of_app(), *plain_secrets(self))

    def _problems_of_app(self) -> tuple[str, ...]:
        if not certainly(self.app.is_dir):
            problem = "is not a directory" if certainly(self.app.exists) else "does not exist"
            return (f"app: {self.app} {problem}; name the directory that holds the application",)
        if not self.command and not certainly((self.app / "app.py").is_file):
            return (f"command: {self.app} holds no app.py; name the program in 'command'",)
        reason = unfit(self.app)
        return (f"app: {reason}",) if reason else ()

    def supports(self, command: CommandName) -> bool:
        """Return whether the provider has steps for a command: for all but register."""
        return command in _STEPS

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the steps of a command for an environment, in order."""
        return _STEPS[command](self, environment)

    def is_here(self, environment: AnyEnvironment, directory: Path) -> bool:
        """Return whether the environment was made on this machine, as its files show."""
        return Layout.of(environment, directory).exists

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return the files of the service's output, the present file last."""
        log = Layout.of(environment, directory).log
        return [Path(path) for path in (log.parent / f"{log.name}.1", log) if path.exists()]

    def source(self, directory: Path) -> Source | None:
        """Return the application's directory and the release that it would become now."""
        return None if self.pinned_release else source_of(self.app, directory.parent)

    def manifest(self, directory: Path, release: str) -> Mapping[str, str] | None:
        """Return a digest of each file of a release, by relative name, or None if that is not known."""
        return Releases(Layout.root_in(directory)).entries(release)

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe the directory, the process and the port, without changes."""
        return await observe(self, Layout.of(environment, directory), environment.outputs.release)


if TYPE_CHECKING:
    # mypy checks here that the class has all that the port demands.
    def _is_a_provider(spec: LocalProvider) -> Provider:
        return spec

    def _copies_source(spec: LocalProvider) -> CopiesSource:
        return spec

    def _keeps_manifests(spec: LocalProvider) -> KeepsManifests:
        return spec
