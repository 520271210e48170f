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
from functools import lru_cache
from inspect import getattr_static, signature
from pathlib import PurePath
from typing import Any, cast
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import ArgsKwargs, PydanticSerializationError

from statechart.configuration import Configuration
from statechart.engine.attributes import attributes
from statechart.engine.objects import Keeper, is_data, same
from statechart.errors import InvalidValue
from statechart.wording import first_problem, nearest, unread

_SIMPLE = frozenset(
    (
        *(str, int, float, bool, complex, bytes, type(None), date, datetime, time, timedelta, timezone),
        *(Decimal, Fraction, UUID, range, type, type(Ellipsis), re.Pattern),
    )
)


_MANY = 128  # classes of models that are known at once; those made in a loop are freed


def own(value: object) -> Any:  # Any: a value of the same type
    """Return a value that a hook may change: a copy, unless nobody can change the value."""
    if type(value) is Configuration:
        return copy(value)
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
        self._fields = tuple(model.model_fields)
        self._frozen = bool(model.model_config.get("frozen"))
        self._class = _draft_class(model, _set_field)
        own = model.__mro__[: model.__mro__.index(BaseModel)]
        self._copies_itself = any({"model_copy", "__copy__"} & vars(base).keys() for base in own)

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
        object.__setattr__(draft, "__pydantic_private__", _own_private(model.__pydantic_private__))
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
            if name in now and name != "state" and (name not in held or not same(held[name], now[name]))
        }
        extra, private = draft.__pydantic_extra__, draft.__pydantic_private__
        others = (model.__pydantic_extra__, model.__pydantic_private__)
        if not changed and same(others, (extra, private)):
            return model
        value = self._with(model, changed)
        object.__setattr__(value, "__pydantic_extra__", extra)
        object.__setattr__(value, "__pydantic_private__", private)
        return value

    def entered(self, value: Any, state: object) -> Any:
        return self._with(value, {"state": state})

    def _with(self, value: Any, changed: dict[str, Any]) -> Any:
        if type(value) is self._model and not self._copies_itself and value.__pydantic_extra__ is None:
            return self._copied(value, changed)
        after = value.model_copy(update=changed)
        # A cached property may be computed from a field that is another now.
        for name in vars(after).keys() - self._fields:
            if name[:2] != "__":  # pydantic keeps the extra fields of some models there
                del vars(after)[name]
        return after

    def _copied(self, value: Any, changed: dict[str, Any]) -> Any:
        """Return a copy like that of `model_copy`, which takes three times as long."""
        after, held, private = object.__new__(self._model), vars(value), value.__pydantic_private__
        content = {**held, **changed}
        content = {name: content[name] for name in self._fields if name in content}
        fill = object.__setattr__
        fill(after, "__dict__", content)
        fill(after, "__pydantic_fields_set__", value.__pydantic_fields_set__ | changed.keys())
        fill(after, "__pydantic_extra__", None)
        fill(after, "__pydantic_private__", None if private is None else dict(private))
        return after

    def validated(self, value: Any, name: str) -> Any:
        try:
            try:
                content = value.model_dump_json(warnings=False, by_alias=False, round_trip=True)
            except PydanticSerializationError:  # of a type that only Python knows
                read = self._model.model_validate(dict(iter(value)), by_alias=True, by_name=True)
            else:
                read = self._model.model_validate_json(content, by_alias=True, by_name=True)
                lost = unread(value, read)  # which ends, as JSON holds no cycles
                if lost is not None:
                    raise InvalidValue(name, lost)
        except ValidationError as error:
            problem = f"it is not a valid {self._model.__name__} ({first_problem(error)})"
            raise InvalidValue(name, problem) from error
        self._keep_private(value.__pydantic_private__, read.__pydantic_private__)
        return read

    def _keep_private(self, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        """Keep the private attributes that reading a value set to their defaults."""
        if before and after is not None:
            for name, private in self._model.__private_attributes__.items():
                if name in before and (name not in after or after[name] == private.get_default()):
                    after[name] = before[name]

    def adopted(self, model: Any, value: Any) -> Any:
        if self._frozen or value is model:
            return value
        for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
            object.__setattr__(model, slot, getattr(value, slot))
        return model


def _own_private(private: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return private attributes, with copies of data; a client and the like is shared."""
    if private is None:
        return None
    return {name: own(value) if is_data(value) else value for name, value in private.items()}


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
            if not hasattr(model, name) or not same(getattr(model, name), getattr(draft, name))
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
    kind: type = type(value)
    check = getattr(after, "__post_init__", None)
    if hasattr(kind, "__pydantic_validator__"):
        _validate(after)
    elif (
        check is not None
        and not _takes_more(kind)
        and not any(field.name in changed and not field.init for field in fields(kind))
    ):
        try:
            check()
        except (TypeError, ValueError) as error:
            raise InvalidValue(kind.__name__, f"it is not a valid {kind.__name__} ({error})") from error
    return after


def _validate(value: Any) -> None:
    """Give a dataclass of pydantic's the attributes that its validator reads.

    Raises:
        InvalidValue: It refuses them.
    """
    kind: Any = type(value)
    if _takes_more(kind):
        return
    held = {
        field.name: getattr(value, field.name)
        for field in fields(kind)
        if field.init and hasattr(value, field.name)
    }
    try:
        read = kind.__pydantic_validator__.validate_python(
            ArgsKwargs((), held), by_alias=True, by_name=True
        )
    except ValidationError as error:
        problem = f"it is not a valid {kind.__name__} ({first_problem(error)})"
        raise InvalidValue(kind.__name__, problem) from error
    for name in held:
        object.__setattr__(value, name, getattr(read, name))


@lru_cache(maxsize=_MANY)
def _takes_more(kind: Any) -> bool:
    """Return whether a dataclass has an InitVar, without which it can't be made again."""
    known = {field.name for field in fields(kind)}
    return any(name in signature(kind).parameters for name in kind.__dataclass_fields__.keys() - known)


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
        self._validates = hasattr(model, "__pydantic_validator__")

    def left(self, model: Any, draft: Any) -> Any:
        del draft
        for name in getattr(model, "__dict__", {}).keys() - self._known if self._known is not None else ():
            raise InvalidValue(type(model).__name__, _no_field(type(model), name, self._fields))
        if self._validates:
            _validate(model)
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


@lru_cache(maxsize=_MANY)
def keeper_of(model: type) -> Keeper:
    """Return the keeper for models of a class."""
    if issubclass(model, BaseModel):
        return _Models(model)
    if is_dataclass(model):
        return _FrozenDataclasses(model) if _is_frozen(model) else _Dataclasses(model)
    return Keeper()
