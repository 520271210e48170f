"""The part of an observation that tells that a healthy service is as recorded, without pydantic."""

# Forms can't import annotations from __future__: their annotations are read as objects.
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from environments.model.observation import Observation, ServiceState
from environments.providers.common.failures import translated
from environments.providers.common.health import HealthVerdict, ask
from environments.providers.local.claims import ports_of
from environments.providers.local.config_files import ENVIRONMENT_FILE, compare, declared
from environments.providers.local.inputs import Settings
from environments.providers.local.layout import Layout
from environments.providers.local.releases import Releases
from environments.system.files import read_own
from statechart.errors import NotOurs
from statechart.storage.forms import Form, Misfit, read_form, read_json

_WITHIN = 0.5  # seconds: a slow service is left to the observation


class StoredIdentity(Form):
    """The identity of a process."""

    pid: int
    started: int | None
    boot_id: str | None
    pid_namespace: str | None


class StoredInstance(Form):
    """The stored form of the record of the last start."""

    status: Literal["starting", "started"]
    token: str
    operation: str
    release: str
    port: int
    fingerprint: str
    started_at: datetime
    log_offset: int
    process: StoredIdentity | None

    def check(self) -> None:
        """Raise Misfit for a port that there can't be."""
        if not 1 <= self.port <= 65_535:
            raise Misfit


@translated
async def glimpse(spec: Settings, layout: Layout, release: str | None) -> Observation | None:
    """Observe a healthy service and its files; None if a closer look is needed.

    Raises:
        StepFailed: The directory can't be read.
    """
    resources, _ = resources_of(layout)
    instance = _instance(layout) if resources else None
    if instance is None:
        return None
    answer = await ask(instance.port, spec.health, instance.token, within=_WITHIN)
    if answer.kind is not HealthVerdict.HEALTHY:
        return None
    state, detail = healthy(instance.port)
    found = Observation(resources=True, service=state, serving=instance.release, detail=detail)
    return parts_of(spec, layout, release).added_to(found)


def _instance(layout: Layout) -> StoredInstance | None:
    try:
        return read_form(StoredInstance, read_json(read_own(layout.instance)))
    except (FileNotFoundError, NotADirectoryError, NotOurs, ValueError):
        return None


def healthy(port: int) -> tuple[ServiceState, str]:
    """Return the state of a service that has answered with its token, and a line about it."""
    return ServiceState.UP, f"healthy on port {port}"


def resources_of(layout: Layout) -> tuple[bool, str]:
    """Return whether the results of provision exist, and the reason if not."""
    if not layout.exists:
        return False, f"{layout.root} is gone"
    if unclaimed := layout.unclaimed:
        return False, f"{layout.root} is not ours: {unclaimed}"
    if not ports_of(layout.directory.parent, layout.lineage):
        return False, "no port is reserved"
    return True, ""


@dataclass(frozen=True, slots=True)
class Parts:
    """The observed files: see `Observation`."""

    configuration: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    damage: str = ""

    def added_to(self, found: Observation) -> Observation:
        """Return an observation with these parts."""
        return replace(
            found, configuration=self.configuration, variables=self.variables, damage=self.damage
        )


def parts_of(spec: Settings, layout: Layout, release: str | None) -> Parts:
    """Compare the configuration files and the release with their declaration."""
    changes = compare(layout.config, declared(spec.files, spec.public_env))
    # The variables can be changed while a service runs; the file follows with the next start.
    written = {name: f"{layout.config / name} is not as it is declared" for name in changes.written}
    variables = written.pop(ENVIRONMENT_FILE, None)
    strange = (f"{layout.config / name} is not declared" for name in changes.removed)
    damage = Releases(layout.root).damage(release) if release is not None else None
    return Parts(
        configuration=(*written.values(), *strange),
        variables=(f"{variables}: the next run writes it",) if variables is not None else (),
        damage=f"release {release} is damaged: {damage}" if damage else "",
    )
