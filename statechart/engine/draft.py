"""Drafts: what guards and hooks may change of a model, until the event is committed.

A draft is an instance of a class like the model's, whose fields can be assigned. An exception drops it.
"""

from __future__ import annotations

import re
from abc import ABCMeta
from collections.abc import Callable, Iterable
from copy import copy, deepcopy
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from inspect import getattr_static
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError

from statechart.engine.attributes import attributes
from statechart.errors import InvalidValue
from statechart.wording import first_problem, nearest

_SIMPLE = frozenset(
    (
        *(str, int, float, bool, complex, bytes, type(None), date, datetime, time, timedelta, timezone),
        *(Decimal, Fraction, UUID, range, type, type(Ellipsis), re.Pattern),
    )
)


def own(value: object) -> Any:  # Any: a value of the same type
    """Return a value that a hook may change: a copy, unless nobody can change the value."""
    if type(value) in _SIMPLE or _is_fixed(value):
        return value
    try:
        return deepcopy(value)
    except TypeError:  # a lock, a connection and the like, which are shared
        return value


def _is_fixed(value: object) -> bool:
    """Return whether nothing in a value can be changed."""
    if type(value) in _SIMPLE or isinstance(value, (Enum, PurePath, tzinfo)):
        return True
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_fixed, value))
    if isinstance(value, BaseModel) and value.model_config.get("frozen"):
        return all(map(_is_fixed, vars(value).values()))
    if is_dataclass(value) and _is_frozen(type(value)):
        return all(_is_fixed(getattr(value, field.name, None)) for field in fields(value))
    return False


def _is_frozen(kind: type) -> bool:
    return bool(getattr(getattr(kind, "__dataclass_params__", None), "frozen", False))


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
        """Return what guards and hooks see of a model."""
        return model

    def saved(self, model: Any) -> Any:
        """Return what `restore` needs to put the attributes of a model back."""
        held = {name: getattr(model, name) for name in _slots(model.__class__) if hasattr(model, name)}
        held |= getattr(model, "__dict__", {})
        return [(name, value, _content(value)) for name, value in held.items()]

    def restore(self, model: Any, state: object, saved: Any) -> None:
        """Put the state of a model back, and its attributes as far as they were saved."""
        if saved is not None:
            getattr(model, "__dict__", {}).clear()
            for name in _slots(model.__class__):
                if hasattr(model, name):
                    delattr(model, name)
            for name, value, content in saved:
                if name in _slots(model.__class__):
                    setattr(model, name, value)
                else:
                    vars(model)[name] = value
                if content is not None and value != content:
                    _refill(value, content)
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


@cache
def _slots(model: type) -> frozenset[str]:
    """Return the attributes of a class that are in no dictionary."""
    bodies = [vars(base).get("__slots__", ()) for base in model.__mro__]
    names = {name for body in bodies for name in ((body,) if isinstance(body, str) else body)}
    return frozenset(names - {"__dict__", "__weakref__"})


def _content(value: object) -> Any:
    return own(value) if type(value) in (list, dict, set) else None


def _refill(container: Any, content: Any) -> None:
    if isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)


class _Drafts(Keeper):
    """Keeps models that are drafted: `assign` sets the state of the draft only."""

    drafts = True

    def saved(self, model: Any) -> Any:
        del model  # it does not change before the commit

    def restore(self, model: Any, state: object, saved: Any) -> None:
        del model, state, saved


class _Models(_Drafts):
    """Keeps models of pydantic."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self._fields = frozenset(model.model_fields)
        self._frozen = bool(model.model_config.get("frozen"))
        self._class = _draft_class(model, _set_field)

    def apart(self, model: Any) -> Any:
        return model if self._frozen else model.model_copy()

    def draft(self, model: Any) -> Any:
        draft: Any = object.__new__(self._class)
        held = vars(model)
        # Not what a cached property left there, as it may be computed from other fields soon.
        object.__setattr__(
            draft, "__dict__", {name: own(held[name]) for name in self._fields if name in held}
        )
        object.__setattr__(draft, "__pydantic_fields_set__", set(model.__pydantic_fields_set__))
        object.__setattr__(draft, "__pydantic_extra__", own(model.__pydantic_extra__))
        object.__setattr__(draft, "__pydantic_private__", own(model.__pydantic_private__))
        return draft

    def assign(self, draft: Any, state: object) -> None:
        if "state" in self._fields:
            vars(draft)["state"] = state
        else:
            draft.state = state

    def left(self, model: Any, draft: Any) -> Any:
        if draft is None:
            return model
        held, now = vars(model), vars(draft)
        changed = {
            name: now[name]
            for name in self._fields
            if name in now and name != "state" and (name not in held or _differs(held[name], now[name]))
        }
        extra, private = draft.__pydantic_extra__, draft.__pydantic_private__
        if not changed and extra == model.__pydantic_extra__ and private == model.__pydantic_private__:
            return model
        value = model.model_copy(update=changed)
        object.__setattr__(
            value, "__dict__", {name: vars(value)[name] for name in self._fields & vars(value).keys()}
        )
        object.__setattr__(value, "__pydantic_extra__", extra)
        object.__setattr__(value, "__pydantic_private__", private)
        return value

    def entered(self, value: Any, state: object) -> Any:
        return value.model_copy(update={"state": state})

    def validated(self, value: Any, name: str) -> Any:
        try:
            try:
                content = value.model_dump_json(warnings=False, by_alias=False, round_trip=True)
            except PydanticSerializationError:  # of a type that only Python knows
                read = self._model.model_validate(dict(iter(value)), by_alias=True, by_name=True)
            else:
                read = self._model.model_validate_json(content, by_alias=True, by_name=True)
        except ValidationError as error:
            problem = f"it is not a valid {self._model.__name__} ({first_problem(error)})"
            raise InvalidValue(name, problem) from error
        return read

    def adopted(self, model: Any, value: Any) -> Any:
        if self._frozen or value is model:
            return value
        for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
            object.__setattr__(model, slot, getattr(value, slot))
        return model


def _differs(before: object, after: object) -> bool:
    return after is not before and (type(after) is not type(before) or after != before)


def _set_field(draft: Any, name: str, value: object) -> None:
    model: type[BaseModel] = type(draft).__mro__[1]
    if name in model.model_fields:
        _require_state_kept(draft, name, value)
        vars(draft)[name] = value
        draft.__pydantic_fields_set__.add(name)
        return
    found = getattr_static(model, name, None)
    if isinstance(found, property) and found.fset is not None:
        found.fset(draft, value)
    elif found is None and (model.model_config.get("extra") == "allow" or name[0] == "_"):
        BaseModel.__setattr__(draft, name, value)
    else:
        raise InvalidValue(model.__name__, _no_field(model, name, model.model_fields))


class _FrozenDataclasses(_Drafts):
    """Keeps frozen dataclasses."""

    def __init__(self, model: type) -> None:
        self._names = [field.name for field in fields(model)]
        self._class = _draft_class(model, _set_attribute)

    def apart(self, model: Any) -> Any:
        return model

    def draft(self, model: Any) -> Any:
        draft: Any = object.__new__(self._class)
        for name in self._names:
            if hasattr(model, name):
                object.__setattr__(draft, name, own(getattr(model, name)))
        return draft

    def assign(self, draft: Any, state: object) -> None:
        object.__setattr__(draft, "state", state)

    def left(self, model: Any, draft: Any) -> Any:
        changed = {
            name: getattr(draft, name)
            for name in self._names
            if draft is not None and name != "state" and hasattr(draft, name)
            if not hasattr(model, name) or _differs(getattr(model, name), getattr(draft, name))
        }
        return _with(model, changed) if changed else model

    def entered(self, value: Any, state: object) -> Any:
        return _with(value, {"state": state})

    def adopted(self, model: Any, value: Any) -> Any:
        del model
        return value


def _with(value: Any, changed: dict[str, Any]) -> Any:
    """Return a copy of a dataclass with other attributes, as its own check lets pass."""
    after = copy(value)
    for name, each in changed.items():
        object.__setattr__(after, name, each)
    check = getattr(after, "__post_init__", None)
    if check is not None and not any(field.name in changed and not field.init for field in fields(value)):
        try:
            check()
        except (TypeError, ValueError) as error:
            kind = type(value).__name__
            raise InvalidValue(kind, f"it is not a valid {kind} ({error})") from error
    return after


def _set_attribute(draft: Any, name: str, value: object) -> None:
    model = type(draft).__mro__[1]
    known = [field.name for field in fields(model)]
    if name not in known:
        raise InvalidValue(model.__name__, _no_field(model, name, known))
    _require_state_kept(draft, name, value)
    object.__setattr__(draft, name, value)


def _require_state_kept(draft: Any, name: str, value: object) -> None:
    if name == "state" and value != draft.state:
        # It would be lost: the event sets the state.
        raise InvalidValue(type(draft).__name__, sets_state(value))


def sets_state(value: object) -> str:
    """Return the problem of a hook that sets the state of a model."""
    return f"a hook sets its state to {value!r}, which only an event does: give the event that target"


def _delete(draft: Any, name: str) -> None:
    model = type(draft).__mro__[1]
    raise InvalidValue(
        model.__name__, f"a hook deletes {name!r}, which would stay: assign None, or a default"
    )


def _no_field(model: type, name: str, known: Iterable[str]) -> str:
    if hasattr(model, name):
        return f"a hook sets {name!r}, which is no field of {model.__name__}: it has {', '.join(known)}"
    near = nearest(name, known)
    hint = f": did you mean {near!r}?" if near else f"; it has {', '.join(known)}"
    return f"a hook sets {name!r}, and {model.__name__} has no such field{hint}"


class _Dataclasses(Keeper):
    """Keeps dataclasses whose attributes can be set; pydantic validates its own."""

    def __init__(self, model: type) -> None:
        self._fields = [field.name for field in fields(model)]
        self._known = attributes(model)
        self._validator = getattr(model, "__pydantic_validator__", None)

    def left(self, model: Any, draft: Any) -> Any:
        del draft
        held = {name: getattr(model, name) for name in self._fields if hasattr(model, name)}
        for name in getattr(model, "__dict__", {}).keys() - self._known if self._known is not None else ():
            raise InvalidValue(type(model).__name__, _no_field(type(model), name, self._fields))
        if self._validator is not None:
            try:
                self._validator.validate_python(held)
            except ValidationError as error:
                kind = type(model).__name__
                raise InvalidValue(kind, f"it is not a valid {kind} ({first_problem(error)})") from error
        return model


def _draft_class(model: type, setter: Callable[[Any, str, object], None]) -> type:
    """Make the class of drafts of a model: its subclass, whose attributes can be set."""
    parts = {
        "__setattr__": setter,
        "__delattr__": _delete,
        "__module__": model.__module__,
        "__qualname__": model.__qualname__,
    }
    # Without what pydantic's metaclass does: the class has the fields and validators of the model.
    metaclass = type(model)
    make: Any = (ABCMeta if issubclass(metaclass, ABCMeta) else type).__new__
    return cast("type", make(metaclass, model.__name__, (model,), parts))


@cache
def keeper_of(model: type) -> Keeper:
    """Return what keeps models of a class."""
    if issubclass(model, BaseModel):
        return _Models(model)
    if is_dataclass(model):
        return _FrozenDataclasses(model) if _is_frozen(model) else _Dataclasses(model)
    return Keeper()
