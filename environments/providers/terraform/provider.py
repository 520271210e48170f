"""The spec and provider of environments on hosts that OpenTofu or Terraform makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from environments.errors import InvalidConfiguration, StepFailed
from environments.model.command_name import CommandName
from environments.model.provider_kinds import ProviderSpec
from environments.providers.common import ssh
from environments.providers.common.addresses import checked_host
from environments.providers.common.ansible import playbook
from environments.providers.common.app_files import source_of, unfit
from environments.providers.common.failures import certainly
from environments.providers.common.paths import absolute, absolute_secret, absolute_secrets
from environments.providers.terraform import travelling
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.observation import glance, observe
from environments.providers.terraform.remote.collected_log import CollectedLog, collect_logs
from environments.providers.terraform.settings import TerraformSettings
from environments.providers.terraform.steps.host import boot_steps, configure_steps, register_steps
from environments.providers.terraform.steps.infrastructure import infrastructure_steps
from environments.providers.terraform.steps.release import release_steps, uploaded_entries
from environments.providers.terraform.steps.service import run_steps
from environments.providers.terraform.steps.stopping import last_stop_steps, stop_steps
from environments.providers.terraform.steps.teardown import check_steps, teardown_steps
from environments.providers.terraform.tofu import program
from environments.providers.terraform.tofu.carried.moving import packed, unpack
from environments.providers.terraform.tofu.carried.steps import on_any_machine
from environments.providers.terraform.tofu.module import Module
from environments.providers.terraform.tofu.module_checks import module_problems
from environments.secrets.detection import secret_under

if TYPE_CHECKING:
    from environments.artifacts.trees import Travels, Tree
    from environments.model.environment import AnyEnvironment
    from environments.model.observation import Observation, Source
    from environments.model.steps import StateCarrier, Step
    from environments.ports import (
        CollectsLogs,
        CopiesSource,
        KeepsManifests,
        LooksCheaply,
        MovesState,
        ObservesCarried,
        Provider,
        WarnsOfStore,
    )


class TerraformProvider(TerraformSettings, frozen=True, extra="forbid"):
    """An environment on a host that OpenTofu or Terraform makes and Ansible configures.

    The spec is also the provider: its methods bring environments with this spec up and down.
    Creating a spec does not read the disk; `problems` does.
    """

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the changed fields that only provisioning can apply.

        The SSH settings are not among them: keys are renewed during a host's life.
        """
        if not isinstance(new, TerraformProvider):
            return super().needs_provision(new)
        # The spec file of an environment whose host was registered need not name the host.
        fields = ("directory", "binary", "variables", "outputs", *(("address",) if new.address else ()))
        changed = (name for name in fields if getattr(new, name) != getattr(self, name))
        return (*super().needs_provision(new), *changed)

    def needs_configure(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the changed fields of `new` that only configuring can apply."""
        if not isinstance(new, TerraformProvider):
            return ()
        fields = ("playbook", "playbook_variables")
        return tuple(name for name in fields if getattr(new, name) != getattr(self, name))

    def for_address(self, address: str) -> ProviderSpec:
        """Return a spec with which register adopts the host at an address.

        Raises:
            InvalidConfiguration: The text is no address.
        """
        try:
            return super().for_address(checked_host(address))
        except ValueError as error:
            raise InvalidConfiguration(f"the address {address!r}", [str(error)]) from None

    def relative_to(self, directory: Path, /) -> TerraformProvider:
        """Return a copy with paths made absolute from a directory, and `~` expanded."""
        service = {"env": absolute_secrets(self.service.env, directory)}
        return self.model_copy(
            update={
                "directory": absolute(self.directory, directory),
                "app": absolute(self.app, directory),
                "binary": _absolute_program(self.binary, directory),
                "playbook": absolute(self.playbook, directory) if self.playbook else None,
                "ssh": self.ssh.model_copy(update={"key": absolute(self.ssh.key, directory)}),
                "variables": absolute_secrets(self.variables, directory),
                "backend_env": absolute_secrets(self.backend_env, directory),
                "playbook_variables": absolute_secrets(self.playbook_variables, directory),
                "vault_password": self.vault_password and absolute_secret(self.vault_password, directory),
                "state_key": self.state_key and absolute_secret(self.state_key, directory),
                "service": self.service.model_copy(update=service),
            }
        )

    def problems(self) -> tuple[str, ...]:
        """Check the spec against the disk, and return a line for each problem."""
        return (
            *self._problems_of_module(),
            *self._problems_of_address(),
            *self._problems_of_files(),
            *self._problems_of_tools(),
            *self._plain_secrets(),
        )

    def _problems_of_module(self) -> Iterator[str]:
        if not certainly(self.directory.is_dir):
            yield f"directory: {self.directory} is not a directory; name the directory of the module"
            return
        try:
            yield from module_problems(self, Module(self.directory))
        except StepFailed as failed:
            yield failed.summary
        except OSError as error:
            yield f"directory: {error.filename} can't be read: {error.strerror}"

    def _problems_of_address(self) -> Iterator[str]:
        try:
            checked_host(self.address or "localhost")
        except ValueError as error:
            yield f"address: {error}"

    def _problems_of_files(self) -> Iterator[str]:
        if problem := ssh.check_key_file(self.ssh.key):
            yield f"ssh.key: {problem}"
        if not certainly(self.app.is_dir):
            yield f"app: {self.app} is not a directory; name the directory of the application"
        elif problem := unfit(self.app):
            yield f"app: {problem}"
        if self.playbook is not None and not certainly(self.playbook.is_file):
            yield f"playbook: {self.playbook} is not a file"

    def _problems_of_tools(self) -> Iterator[str]:
        if program.find(self.binary) is None:
            looked_for = self.binary or " or ".join(program.CANDIDATES)
            yield f"binary: {looked_for} is not on the path; install it, or name it here"
        if self.playbook is not None and playbook.find() is None:
            yield "playbook: ansible-playbook is not on the path; pip install 'envchart[terraform]'"

    def _plain_secrets(self) -> Iterator[str]:
        named: dict[str, Mapping[str, object]] = {
            "variables": self.variables,
            "playbook_variables": self.playbook_variables,
            "service.env": self.service.env,
            "backend_env": self.backend_env,
        }
        for field, values in named.items():
            for name, value in values.items():
                if isinstance(value, str) and (found := secret_under(name, value)):
                    yield (
                        f"{field}.{name}: {found}, and it would be stored as it is; "
                        "say where it is instead, {env: VARIABLE} or {file: PATH}"
                    )

    def supports(self, command: CommandName) -> bool:
        """Return whether the provider supports a command; it supports all of them."""
        return command in CommandName

    def steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        """Return the steps of a command, in order."""
        changes = command in (CommandName.PROVISION, CommandName.DESTROY)
        return on_any_machine(self, self._steps(command, environment), changes=changes)

    def _steps(self, command: CommandName, environment: AnyEnvironment) -> Sequence[Step]:
        match command:
            case CommandName.PROVISION:
                return (*infrastructure_steps(self, environment), *boot_steps(self, environment))
            case CommandName.REGISTER:
                return register_steps(self, environment)
            case CommandName.CONFIGURE:
                return configure_steps(self, environment)
            case CommandName.RELEASE:
                return release_steps(self, environment)
            case CommandName.RUN:
                return run_steps(self, environment)
            case CommandName.STOP:
                return stop_steps(self, environment)
            case CommandName.DESTROY:
                # The service first: a registered host stays, and the service would stay with it.
                stopping = (*check_steps(self, environment), *last_stop_steps(self, environment))
                return (*stopping, *teardown_steps(self, environment))

    def trees(self) -> Sequence[Tree]:
        """Return the module, the playbook and the application, which travel to other machines."""
        return travelling.trees(self)

    def placed(self, places: Mapping[str, Path]) -> TerraformProvider:
        """Return a spec that reads its module, playbook and application elsewhere."""
        copy = self.model_copy(update=travelling.placed(self, places))
        copy._declared_app = self.declared_app  # pyright: ignore[reportAttributeAccessIssue]  # private, and not frozen
        return copy

    def lacking(self, command: CommandName) -> Sequence[str]:
        """Return a line for each key, secret and program that a command needs and this machine lacks."""
        return travelling.lacking(self, command)

    def logs(self, environment: AnyEnvironment, directory: Path) -> Sequence[Path]:
        """Return the files with the collected service log, the current file last."""
        del environment  # another provider may need it
        return CollectedLog(Layout(directory).build).files()

    async def collect_logs(self, environment: AnyEnvironment, directory: Path) -> None:
        """Fetch new lines of the service's log from the host.

        Raises:
            StepFailed: The host can't be reached, or the log can't be stored.
        """
        await collect_logs(self, environment, directory)

    def source(self, directory: Path) -> Source | None:
        """Return the application's directory and the release that it would become now."""
        return None if self.pinned_release else source_of(self.app, directory.parent)

    def manifest(self, directory: Path, release: str) -> Mapping[str, str] | None:
        """Return a digest of each file of a release, by relative name, or None if that is not known."""
        return uploaded_entries(Layout(directory), release)

    async def glance(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe Terraform's state, the host, the service and its release, without running tools."""
        return await glance(self, environment, directory)

    async def observe(self, environment: AnyEnvironment, directory: Path) -> Observation:
        """Observe the infrastructure, the host and the service without changing them."""
        return await observe(self, environment, directory)

    async def observe_carried(
        self, environment: AnyEnvironment, directory: Path, carried: StateCarrier, *, deep: bool
    ) -> Observation:
        """Observe like `observe` or `glance`, on a machine that may not have the state."""
        return await (observe if deep else glance)(self, environment, directory, carried)

    def packed_state(self, environment: AnyEnvironment, directory: Path) -> bytes | None:
        """Return Terraform's state in a directory, as a version to store; None if there is none."""
        return packed(self, environment, directory)

    def unpack_state(self, environment: AnyEnvironment, directory: Path, content: bytes) -> None:
        """Write Terraform's state from a stored version to a directory."""
        unpack(self, environment, directory, content)

    def readable_in_store(self) -> str:
        """Return a warning if Terraform's state is stored as it is, with the passwords in it."""
        if self.state_key is not None or self.backend_env:  # a backend keeps the state
            return ""
        return (
            "the database will hold Terraform's state as it is, with the passwords in it; "
            "provider.state_key encrypts it"
        )


def _absolute_program(program: str | None, directory: Path) -> str | None:
    # A name without a slash is looked up on the path.
    return str(absolute(Path(program), directory)) if program and "/" in program else program


if TYPE_CHECKING:
    # Type checkers verify here that the spec satisfies the protocols.
    def _is_a_provider(spec: TerraformProvider) -> Provider:
        return spec

    def _copies_source(spec: TerraformProvider) -> CopiesSource:
        return spec

    def _collects_logs(spec: TerraformProvider) -> CollectsLogs:
        return spec

    def _keeps_manifests(spec: TerraformProvider) -> KeepsManifests:
        return spec

    def _looks_cheaply(spec: TerraformProvider) -> LooksCheaply:
        return spec

    def _travels(spec: TerraformProvider) -> Travels:
        return spec

    def _observes_carried(spec: TerraformProvider) -> ObservesCarried:
        return spec

    def _moves_state(spec: TerraformProvider) -> MovesState:
        return spec

    def _warns_of_store(spec: TerraformProvider) -> WarnsOfStore:
        return spec
