"""The JSON documents that OpenTofu and Terraform print, each with the version of its format.

Source: Terraform's JSON output format, which OpenTofu shares.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.tool_output import Answer

# Later minor versions only add keys; another major version may give the same keys another meaning.
_MAJOR = "1"
_EXCERPT = 2000
_KEY = re.compile(r"""\[(?:\d+|"(?:[^"\\]|\\.)*")\]""")
_MOST_FRAGMENTS = 1000


class Resource(BaseModel, frozen=True):
    """A resource or data source in the state."""

    address: str
    mode: str
    values: dict[str, JsonValue] = {}


class StateModule(BaseModel, frozen=True):
    """A module in the state, with the modules that it calls."""

    resources: tuple[Resource, ...] = ()
    child_modules: tuple[StateModule, ...] = ()

    def managed(self) -> Iterator[str]:
        """Yield the addresses of the resources, without data sources."""
        return (each.address for each in self.managed_resources())

    def managed_resources(self) -> Iterator[Resource]:
        """Yield the resources, without data sources."""
        yield from (each for each in self.resources if each.mode == "managed")
        for child in self.child_modules:
            yield from child.managed_resources()


class StateValues(BaseModel, frozen=True):
    """The content of a state."""

    outputs: dict[str, dict[str, JsonValue]] = {}
    root_module: StateModule = StateModule()


class ShownState(BaseModel, frozen=True):
    """The answer of `show -json`; a state without resources and outputs has no values at all."""

    values: StateValues = StateValues()


class ModuleConfiguration(BaseModel, frozen=True):
    """The resources that a module declares, with the modules that it calls."""

    resources: tuple[Resource, ...] = ()
    module_calls: dict[str, ModuleCall] = {}

    def managed(self, within: str = "") -> Iterator[str]:
        """Yield the addresses of the resources, without the keys of their instances."""
        yield from (f"{within}{each.address}" for each in self.resources if each.mode == "managed")
        for name, call in self.module_calls.items():
            yield from call.module.managed(f"{within}module.{name}.")


class ModuleCall(BaseModel, frozen=True):
    """A call of a module."""

    module: ModuleConfiguration


class Configuration(BaseModel, frozen=True):
    """The configuration that a plan was made by."""

    root_module: ModuleConfiguration


class Change(BaseModel, frozen=True):
    """The planned change of a resource or an output.

    Attributes:
        actions: Such as `update`, or `delete` and `create` in either order; `no-op` for none.
        before: The values now.
        after: The planned values, as far as they are known.
        replace_paths: The paths of the values that force a replacement.
    """

    actions: tuple[str, ...] = ()
    before: JsonValue = None
    after: JsonValue = None
    replace_paths: tuple[tuple[str | int, ...], ...] = ()


class ResourceChange(BaseModel, frozen=True):
    """The planned change of a resource or data source."""

    address: str
    mode: str = "managed"
    change: Change = Change()
    action_reason: str = ""


class ShownPlan(BaseModel, frozen=True):
    """The answer of `show -json` about a plan."""

    configuration: Configuration
    resource_changes: tuple[ResourceChange, ...] = ()
    output_changes: dict[str, Change] = {}
    prior_state: ShownState = ShownState()

    def undeclared(self) -> list[str]:
        """Return the addresses of the resources in the state that the module does not declare."""
        declared = set(self.configuration.root_module.managed())
        there = self.prior_state.values.root_module.managed()
        return [address for address in there if _KEY.sub("", address) not in declared]


ShownT = TypeVar("ShownT", ShownState, ShownPlan)


def read_shown(kind: type[ShownT], document: dict[str, Any]) -> ShownT:
    """Read an answer of `show -json`.

    Raises:
        StepFailed: The document is not of this kind.
    """
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise not_understood("show", f"{place or 'the document'} is not as expected") from error


def document_of(answer: Answer, subcommand: str) -> dict[str, Any]:  # Any: JSON
    """Return the only JSON document in an answer that carries a known version of its format.

    Raises:
        StepFailed: There is no such document, or more than one.
    """
    if not answer.is_whole:
        raise not_understood(subcommand, f"it is longer than {answer.limit // 1024**2} MiB")
    text = answer.content.decode("utf-8", "replace")
    # Lines of logs and of wrappers around the program are JSON at times, but carry no version.
    found = [each for each in _objects(text) if "format_version" in each]
    if len(found) != 1:
        why = f"it holds {len(found)} documents" if found else "it holds no document with a format_version"
        raise not_understood(subcommand, why if text.strip() else "it is empty", text)
    version = str(found[0]["format_version"])
    if version.partition(".")[0] != _MAJOR:
        raise not_understood(subcommand, f"its format_version is {version}, and only {_MAJOR}.x is known")
    return found[0]


def not_understood(subcommand: str, why: str, text: str = "") -> StepFailed:
    """Return the failure for an answer that can't be understood, and so proves nothing."""
    summary = f"the answer of '{subcommand}' is not understood: {why}"
    return StepFailed(FailureCause.INFRASTRUCTURE, summary, text[:_EXCERPT])


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects that begin at the begin of a line."""
    decoder, at, fragments = json.JSONDecoder(), 0, 0
    while at < len(text) and fragments < _MOST_FRAGMENTS:
        if text.startswith("{", at):
            try:
                found, at = decoder.raw_decode(text, at)
                yield found
            except (ValueError, RecursionError):  # the latter for objects in thousands of objects
                fragments += 1
        at = (text.find("\n", at) + 1) or len(text)
