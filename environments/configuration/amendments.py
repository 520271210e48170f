"""Amendments of a spec: assignments as they are typed on a command line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, ValidationError

from environments.configuration.messages import faults_of, messages_of, spelled
from environments.configuration.places import (
    Type,
    is_mapping_of_texts,
    keys_at,
    place_of,
    takes_secret,
    takes_text,
    type_at,
)
from environments.configuration.yaml_document import NotYaml, parse_yaml
from environments.errors import InvalidConfiguration
from environments.model.provider_kinds import ProviderSpec
from environments.model.spec import EnvironmentSpec
from statechart.wording import listed, nearest

Variable: TypeAlias = str | dict[str, str]
Place: TypeAlias = tuple[str, ...]

_FIXED = {("name",): "the name", ("provider", "kind"): "the kind of provider"}


@dataclass(frozen=True, slots=True)
class Amendment:
    """Changes of a spec, to be applied to any spec.

    Attributes:
        app: Another application, from now on.
        env: Variables of the application, added or replaced.
        assignments: Dotted names of fields with their new values, as typed.
        unset: Dotted names of entries to remove, or of fields that get their default back.
    """

    app: Path | None = None
    env: Mapping[str, Variable] = field(default_factory=dict)
    assignments: tuple[tuple[str, str], ...] = ()
    unset: tuple[str, ...] = ()

    def __call__(self, spec: EnvironmentSpec) -> EnvironmentSpec:
        """Return the changed spec, with absolute paths.

        Raises:
            InvalidConfiguration: A field does not exist, can't be changed, or has another type.
        """
        provider = spec.provider if self.app is None else spec.provider.for_release(app=self.app)
        draft = _Draft(spec.model_copy(update={"provider": provider}))
        if self.env:
            draft.add_variables(self.env)
        for name in self.unset:
            draft.remove(name)
        for name, value in self.assignments:
            draft.assign(name, value)
        return draft.validated()


def variable(text: str) -> Variable:
    """Return a typed text, or the reference to a secret that `@env:VAR` or `@file:PATH` stands for.

    Raises:
        ValueError: The reference names no variable or file.
    """
    kind, colon, place = text.partition(":")
    if kind not in ("@env", "@file") or not colon:
        return text
    if not place.strip():
        raise ValueError(f"names no {'variable' if kind == '@env' else 'file'} after the colon")
    return {kind[1:]: place}


class _Draft:
    """The content of a spec while it is changed."""

    def __init__(self, spec: EnvironmentSpec) -> None:
        self._name = spec.name
        self._kind: type[ProviderSpec] = type(spec.provider)
        self._content: dict[str, Any] = spec.model_dump(mode="json")  # Any: JSON
        self._content.setdefault("labels", {})

    def add_variables(self, env: Mapping[str, Variable]) -> None:
        place = _variables(self._kind)
        if place is None:
            raise self._refusal(f"the provider {self._kind.model_fields['kind'].default} has no variables")
        self._container(("provider", *place, "")).update(env)

    def assign(self, name: str, value: str) -> None:
        place = self._place(name)
        container = self._container(place)
        annotation = type_at(place, self._kind)
        if annotation is None:
            raise self._unknown(place, keys_at(place[:-1], self._kind) or container)
        try:
            container[place[-1]] = _read(value, annotation)
        except ValueError as error:
            raise self._refusal(f"{spelled(place)}{error}") from None

    def remove(self, name: str) -> None:
        place = self._place(name)
        container = self._container(place)
        if place[-1] not in container:
            fields = keys_at(place[:-1], self._kind)
            if place[-1] in fields:  # it has its default, and is not stored
                return
            raise self._unknown(place, fields or container)
        del container[place[-1]]

    def validated(self) -> EnvironmentSpec:
        # By its own class, since a program's own providers are not registered.
        within: Place = ("provider",)
        try:
            provider = self._kind.model_validate(self._content["provider"])
            within = ()
            spec = EnvironmentSpec.model_validate({**self._content, "provider": provider})
        except ValidationError as error:
            faults = faults_of(error, self._content, within)
            problems = (f"{spelled(place)}{text}" for place, text in messages_of(faults, self._content))
            raise self._refusal(*problems) from error
        return spec.model_copy(update={"provider": provider.relative_to(Path.cwd())})

    def _place(self, name: str) -> Place:
        """Return the place of a dotted name. The keys of variables, files and labels may hold dots."""
        place: Place = ()
        parts = name.split(".")
        while parts:
            if is_mapping_of_texts(type_at(place, self._kind)):
                place, parts = (*place, ".".join(parts)), []
            else:
                place = (*place, parts.pop(0))
        if place in _FIXED:
            raise self._refusal(f"{name}: {_FIXED[place]} can't be changed")
        if "" in place:
            raise self._refusal(f"{name!r} is not the name of a field, like provider.port")
        return place

    def _container(self, place: Place) -> dict[str, Any]:
        """Return the mapping that a place lies in."""
        here: Any = self._content
        for depth, part in enumerate(place[:-1], 1):
            if part not in here:
                raise self._unknown(place[:depth], keys_at(place[: depth - 1], self._kind) or here)
            if not isinstance(here[part], dict):
                raise self._refusal(f"{spelled(place[:depth])}is no mapping, so set it as a whole")
            here = here[part]
        found: dict[str, Any] = here
        return found

    def _unknown(self, place: Place, known: Mapping[str, Any] | Place) -> InvalidConfiguration:
        near = nearest(place[-1], known)
        meant = (*place[:-1], near) if near else place_of(place[-1], ("provider",), self._kind)
        above = f" below {'.'.join(place[:-1])}" if place[1:] else ""
        hint = f"known{above} are {listed(known)}" if known else f"there is nothing{above}"
        if meant is not None:
            hint = f"did you mean {'.'.join(meant)!r}?"
        return self._refusal(f"{spelled(place)}there is no such key; {hint}")

    def _refusal(self, *problems: str) -> InvalidConfiguration:
        return InvalidConfiguration(f"the changed spec of {self._name!r}", problems)


def _variables(kind: type[BaseModel]) -> Place | None:
    """Return the place of the application's variables in a provider's spec, or None."""
    fields = {name: each.annotation for name, each in kind.model_fields.items()}
    if is_mapping_of_texts(fields.get("env")):
        return ("env",)
    for name, annotation in fields.items():
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            below = _variables(annotation)
            if below is not None:
                return (name, *below)
    return None


def _read(text: str, annotation: Type) -> Any:  # Any: JSON
    """Return a typed value: a reference to a secret, a text as it is, or what the text means in YAML."""
    if takes_secret(annotation) and not isinstance(reference := variable(text), str):
        return reference
    opened = text.lstrip().startswith(("{", "["))
    if takes_text(annotation) and not (opened and takes_secret(annotation)):
        return text
    try:
        document = parse_yaml(text.encode())
    except (NotYaml, UnicodeEncodeError):
        return text
    content = document.content
    if takes_text(annotation):
        return content if _is_reference(content) else text
    # YAML reads `a: b` as a mapping, and dates in many forms.
    unmeant = isinstance(content, date | bytes) or (isinstance(content, dict | list) and not opened)
    return text if unmeant or document.problems else content


def _is_reference(content: object) -> bool:
    return isinstance(content, dict) and len(content) == 1 and content.keys() <= {"env", "file"}


def changed_fields(before: EnvironmentSpec, after: EnvironmentSpec) -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted names of the fields that differ, with the old and the new value, None if absent."""
    old, new = (dict(_leaves(spec.model_dump())) for spec in (before, after))
    for place in dict.fromkeys((*new, *old)):
        if old.get(place) != new.get(place):
            yield ".".join(place), old.get(place), new.get(place)


def _leaves(value: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner.keys() != {"env", "file"}:
            yield from _leaves(inner, (*place, key))
        else:
            yield (*place, key), inner
