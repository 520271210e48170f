"""Terraform's state in the backend of a module: pulled and pushed by Terraform itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu.program import LOCK
from environments.system.files import remove_tree, write_private
from statechart.following.cancellation import in_thread

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.tofu.program import Binary


class _Instance(BaseModel, frozen=True, extra="allow"):
    index_key: int | str | None = None


class _Resource(BaseModel, frozen=True, extra="allow"):
    mode: str
    type: str
    name: str
    module: str = ""
    instances: tuple[_Instance, ...] = ()

    def addresses(self) -> Iterator[str]:
        within = f"{self.module}." if self.module else ""
        for instance in self.instances:
            key = "" if instance.index_key is None else f"[{json.dumps(instance.index_key)}]"
            yield f"{within}{self.type}.{self.name}{key}"


class PulledState(BaseModel, frozen=True, extra="allow"):
    """A state as `state pull` prints it; without a lineage, nothing was ever stored.

    All that is not named here is kept as well, and counts when two states are compared.
    """

    lineage: str = ""
    serial: int = 0
    outputs: dict[str, Any] = {}  # Any: JSON
    resources: tuple[_Resource, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the state lists no resource and no output, so that another may take its place."""
        return not self.outputs and not any(each.instances for each in self.resources)

    def is_same(self, other: PulledState) -> bool:
        """Return whether both have the same lineage and content; storing a state may raise its serial."""
        left_out = {"serial", "terraform_version"}
        return self.model_dump(exclude=left_out) == other.model_dump(exclude=left_out)

    def addresses(self) -> list[str]:
        """Return the addresses of the resources, without data sources."""
        managed = (each for each in self.resources if each.mode == "managed")
        return sorted(address for each in managed for address in each.addresses())


@dataclass(frozen=True, slots=True)
class BackendState:
    """The state of an environment in the backend of its module.

    Attributes:
        binary: The program in the environment's copy of the module, which is initialised.
        context: The step that works with the state.
        kind: The kind of the backend, such as `pg`.
    """

    binary: Binary
    context: StepContext
    kind: str

    async def pull(self) -> PulledState:
        """Return the state as the backend has it now.

        Raises:
            StepFailed: The backend can't be reached, or its answer is not understood.
        """
        content = await self.binary.raw(self.context, "state", "pull", "-no-color")
        if not content.strip():
            return PulledState()
        return read_state(content, f"the state in the backend '{self.kind}'")

    async def push(self, path: str, *options: str) -> None:
        """Store the state in a file, if the lineage and the serial in the backend allow that.

        Raises:
            StepFailed: They do not, the lock is held, or the backend can't be reached.
        """
        words = ("state", "push", "-no-color", LOCK, *options, path)
        await self.binary.raw(self.context, *words)

    async def push_empty(self, lineage: str, serial: int) -> None:
        """Store a state without resources. It takes the place of an empty state only.

        Raises:
            StepFailed: The backend holds a state with resources, its lock is held, or it can't be reached.
        """
        content = {"version": 4, "serial": serial, "lineage": lineage, "outputs": {}, "resources": []}
        path = Layout.at(self.context).pushed_state
        await in_thread(lambda: write_private(path, json.dumps(content) + "\n"))
        try:
            await self.push(str(path))
        finally:
            await in_thread(lambda: remove_tree(path))


def read_state(content: bytes | bytearray, what: str) -> PulledState:
    """Read a state.

    Raises:
        StepFailed: The content is no state.
    """
    try:
        return PulledState.model_validate_json(bytes(content))
    except ValidationError as error:
        summary = f"{what} can't be read: put it back from a backup"
        raise StepFailed(FailureCause.INFRASTRUCTURE, summary) from error
