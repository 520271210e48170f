"""Models whose attributes can be set: hooks change the object itself, and a failed event puts it back."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import is_dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import BaseModel

_CONTAINERS = (list, dict, set, deque)


class Keeper:
    """Keeps the model of a machine: any object whose attributes can be set.

    Guards and hooks change the object itself; if the event fails, its attributes are put back.
    """

    drafts = False
    """Whether `draft` returns another object than the model."""

    def apart(self, model: Any) -> Any:
        """Return a model with the same values, which changes without changing the given one."""
        return copy(model)

    def draft(self, model: Any) -> Any:
        """Return a draft of a model, for guards and hooks."""
        return model

    def saved(self, model: Any) -> Any:
        """Save a model for `restore`, with the containers and data objects in it."""
        held = _attributes(model)
        parts: dict[int, _Part] = {}
        for value in held.values():
            _collect(value, parts)
        return held, list(parts.values())

    def restore(self, model: Any, state: object, saved: Any) -> None:
        """Put the state of a model back, and its attributes as far as they were saved."""
        if saved is not None:
            held, parts = saved
            _refill(model, held)
            for part in parts:
                part.restore()
        model.state = state

    def assign(self, draft: Any, state: object) -> None:
        """Set the state of a draft.

        Raises:
            AttributeError: The model does not let its state be set; also TypeError and ValueError.
        """
        draft.state = state

    def left(self, model: Any, draft: Any) -> Any:
        """Return the value as the hooks left it, still in the old state; `draft` is None without hooks."""
        del draft
        return model

    def entered(self, value: Any, state: object) -> Any:
        """Return a value in a state."""
        del state  # it is in the state already
        return value

    def validated(self, value: Any, name: str) -> Any:
        """Return a value as its class reads it.

        Raises:
            InvalidValue: The class refuses it.
        """
        del name
        return value

    def adopted(self, model: Any, value: Any) -> Any:
        """Return the model of a machine after an event: the same object, if it can be changed."""
        if value is not model:  # of the chart's own `evolve`
            getattr(model, "__dict__", {}).update(getattr(value, "__dict__", {}))
            for name in _slots(model.__class__):
                if hasattr(value, name):
                    setattr(model, name, getattr(value, name))
        return model


class _Part(NamedTuple):
    """A container or data object in a model, with the references that it holds."""

    owner: Any
    content: Any

    def restore(self) -> None:
        owner, content = self
        if not isinstance(owner, _CONTAINERS):
            _refill(owner, content)
        elif isinstance(owner, list):
            owner[:] = content
        else:
            owner.clear()
            owner.update(content) if isinstance(owner, (dict, set)) else owner.extend(content)


def _collect(value: Any, parts: dict[int, _Part]) -> None:
    """Add what can be changed in a value, by its identity: a copy would be another object afterwards."""
    if not _may_change(value.__class__) or id(value) in parts:
        return
    inner: Iterable[Any]
    if isinstance(value, _CONTAINERS):
        # The contents of the container itself: its class may have a `copy` of its own.
        content: Any = dict(value) if isinstance(value, dict) else list(value)
        inner = content.values() if isinstance(value, dict) else content
    elif isinstance(value, (tuple, frozenset)):
        for each in value:
            _collect(each, parts)
        return
    elif is_data(value):
        content = _attributes(value)
        inner = content.values()
    else:
        return
    parts[id(value)] = _Part(value, content)
    for each in inner:
        _collect(each, parts)


def is_data(value: Any) -> bool:  # Any: as any object's class is hashable, which mypy doubts
    """Return whether a value is a container, a model of pydantic or a dataclass."""
    return _is_data(value.__class__)


@lru_cache(maxsize=128)
def _is_data(kind: type) -> bool:
    return issubclass(kind, (*_CONTAINERS, tuple, BaseModel)) or is_dataclass(kind)


@lru_cache(maxsize=128)
def _may_change(kind: Any) -> bool:
    """Return whether a value of a class may be changed, or hold something that may be."""
    return issubclass(kind, frozenset) or _is_data(kind)


def same(before: Any, after: Any) -> bool:
    """Return whether a value and its copy hold the same, whatever their own comparison leaves out."""
    if before is after:
        return True
    if type(before) is not type(after):
        return False
    if isinstance(before, (list, tuple, deque)):
        return len(before) == len(after) and all(map(same, before, after))
    if isinstance(before, dict):
        return list(before) == list(after) and all(map(same, before.values(), after.values()))
    if is_data(before) and not isinstance(before, set):
        return same(_attributes(before), _attributes(after))
    try:
        return bool(before == after)
    except (TypeError, ValueError):  # an array has an answer for each element
        return False


def _attributes(owner: Any) -> dict[str, Any]:
    slotted = {name: getattr(owner, name) for name in _slots(owner.__class__) if hasattr(owner, name)}
    return slotted | getattr(owner, "__dict__", {})


def _refill(owner: Any, held: dict[str, Any]) -> None:
    """Give an object the attributes that it had."""
    slots, own = _slots(owner.__class__), getattr(owner, "__dict__", {})
    for name in [name for name in own if name not in held]:
        del own[name]
    for name in slots:
        if name not in held and hasattr(owner, name):
            object.__delattr__(owner, name)
    for name, value in held.items():
        if name not in slots:
            own[name] = value
        elif getattr(owner, name, None) is not value:
            object.__setattr__(owner, name, value)


@lru_cache(maxsize=128)
def _slots(model: type) -> frozenset[str]:
    """Return the attributes of a class that are in no dictionary."""
    bodies = [vars(base).get("__slots__", ()) for base in model.__mro__]
    names = {name for body in bodies for name in ((body,) if isinstance(body, str) else body)}
    return frozenset(names - {"__dict__", "__weakref__"})


@lru_cache(maxsize=128)
def may_be_named(kind: Any) -> bool:
    """Return whether models of a class may have a name; pydantic takes long to say that one has not."""
    if not issubclass(kind, BaseModel) or kind.model_config.get("extra") == "allow":
        return True
    own = kind.__mro__[: kind.__mro__.index(BaseModel)]
    return "name" in kind.model_fields or any({"name", "__getattr__"} & vars(base).keys() for base in own)
