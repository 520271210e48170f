"""The outputs of a module that describe the host."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.common.addresses import checked_host
from environments.providers.terraform.settings import check_host_key

Outputs: TypeAlias = Mapping[str, Mapping[str, Any]]  # Any: JSON
"""The document of `terraform output -json`. An output that is null is not in it."""


def require_planned(planned: Collection[str], names: Collection[str]) -> None:
    """Check before the apply that the module has the outputs.

    Raises:
        StepFailed: An output is missing.
    """
    for name in names:
        if name not in planned:
            known = ", ".join(sorted(planned)) or "none"
            raise _unfit(name, f"is missing; its outputs are: {known}")


def is_blank(outputs: Outputs, name: str) -> bool:
    """Return whether an output has no value, or an empty string."""
    value = _value(outputs, name)
    return value is None or (isinstance(value, str) and not value.strip())


def host_address(outputs: Outputs, name: str) -> str:
    """Return the address of the host.

    Raises:
        StepFailed: The output has no value, or no address.
    """
    text = _text(outputs, name)
    try:
        return checked_host(text)
    except ValueError as error:
        quoted = "" if outputs[name].get("sensitive") else f" ({text!r})"
        raise _unfit(name, f"{error}{quoted}") from None


def host_key(outputs: Outputs, name: str | None) -> str:
    """Return the host's public key without its comment, which the host does not show, or an empty string.

    Raises:
        StepFailed: The output is no key.
    """
    if name is None or is_blank(outputs, name):
        return ""
    try:
        return check_host_key(" ".join(_text(outputs, name).split()[:2]))
    except ValueError as error:
        raise _unfit(name, str(error)) from None


def _value(outputs: Outputs, name: str) -> Any:
    return outputs.get(name, {}).get("value")


def _text(outputs: Outputs, name: str) -> str:
    if is_blank(outputs, name):
        kind = "null" if _value(outputs, name) is None else "empty"
        later = "if the host gets it only some time after it was created, wait, then retry"
        raise _unfit(name, f"is {kind}; {later}")
    match _value(outputs, name):
        case str() as text:
            return text.strip()
        case dict() as fields:
            example = f"value = ….{next(iter(fields), 'ip')}"
            raise _unfit(
                name, f"is an object with the fields {', '.join(fields) or 'none'}; {_own(example)}"
            )
        case list() as items:
            raise _unfit(name, f"is a list of {len(items)}; {_own('value = …[0]')}")
        case _:
            raise _unfit(name, f"is not a string; {_own('value = tostring(…)')}")


def _own(example: str) -> str:
    return f"give the module an output with the string alone, like {example}, and name it under 'outputs'"


def _unfit(name: str, problem: str) -> StepFailed:
    return StepFailed(FailureCause.CONFIGURATION, f"the output {name!r} of the module {problem}")
