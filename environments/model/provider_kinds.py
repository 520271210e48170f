"""The kinds of providers and their spec classes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Secret, SecretBytes, SecretStr, ValidationError
from typing_extensions import is_typeddict

from environments.model.errors import InvalidConfiguration, UnknownProvider


def _holds_secret(annotation: Any, seen: dict[int, Any]) -> bool:  # Any: whatever a field may be
    if id(annotation) in seen:
        return False
    seen[id(annotation)] = annotation
    kind = get_origin(annotation) or annotation
    if isinstance(kind, type) and issubclass(kind, (SecretStr, SecretBytes, Secret)):
        return True
    return any(_holds_secret(part, seen) for part in _parts(annotation, kind))


def _parts(annotation: Any, kind: Any) -> Iterator[Any]:
    yield from get_args(annotation)
    if hasattr(kind, "__value__"):
        yield kind.__value__
    elif not isinstance(kind, type):
        return  # metadata in Annotated holds no values
    elif issubclass(kind, BaseModel):
        yield from (field.annotation for field in kind.model_fields.values())
    elif is_dataclass(kind) or is_typeddict(kind) or hasattr(kind, "_fields"):
        yield from get_type_hints(kind).values()


class ProviderSpec(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """The base class of providers' specs, told apart by their `kind`.

    Other packages add kinds through the entry-point group `environments.providers`. Specs are saved:
    defining a field that can hold a SecretStr raises a TypeError.
    """

    kind: str

    @classmethod
    def __pydantic_on_complete__(cls) -> None:
        super().__pydantic_on_complete__()
        for name, field in cls.model_fields.items():
            if _holds_secret(field.annotation, {}):
                raise TypeError(
                    f"{cls.__name__}.{name} can hold a secret, which would be saved as stars and loaded "
                    "back as the secret itself; make it a SecretRef, which only says where the secret is"
                )

    def needs_provision(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the fields that differ in `new` and that only provisioning can apply."""
        return ("kind",) if new.kind != self.kind else ()

    def needs_configure(self, new: ProviderSpec) -> tuple[str, ...]:
        """Return the fields that differ in `new` and that only configuring can apply."""
        del new
        return ()

    def problems(self) -> tuple[str, ...]:
        """Look at the disk and return the reasons why the spec can't be used now, a line each."""
        return ()

    def for_release(self, *, app: Path | None = None, release: str | None = None) -> ProviderSpec:
        """Return a spec whose next release is of another app, or is an earlier release.

        Raises:
            InvalidConfiguration: The spec has no fields `app` and `pinned_release`.
        """
        if not {"app", "pinned_release"} <= type(self).model_fields.keys():
            raise InvalidConfiguration(
                f"provider {self.kind}", ["releases can't be chosen for this kind of provider"]
            )
        chosen = self.model_copy(update={"pinned_release": release})
        return chosen if app is None else chosen.model_copy(update={"app": app.absolute()})

    def for_address(self, address: str) -> ProviderSpec:
        """Return a spec with which register adopts the host at an address.

        Raises:
            InvalidConfiguration: The spec has no field `address`, or refuses the address.
        """
        if "address" not in type(self).model_fields:
            raise InvalidConfiguration(
                f"provider {self.kind}", ["this kind of provider creates its resources and adopts none"]
            )
        return self.model_copy(update={"address": address})

    def relative_to(self, directory: Path, /) -> ProviderSpec:
        """Return a spec whose relative paths were made absolute, relative to a directory."""
        del directory
        return self


_GROUP = "environments.providers"
_registered: dict[str, str] = {}


def register_provider(kind: str, place: str) -> None:
    """Register a kind of provider in this process, as if a package had installed it.

    Packages use the entry-point group `environments.providers` instead. `Workspace(providers=[…])`
    makes a class known to one workspace.

    Args:
        kind: The kind, as specs name it.
        place: The spec class, as `module:Class`.
    """
    _registered[kind] = place


def provider_kinds() -> dict[str, str]:
    """Return the installed and registered kinds, and their spec classes as `module:Class`."""
    return {**_installed(tuple(map(_changed, sys.path))), **_registered}


@lru_cache(maxsize=1)
def _installed(packages: tuple[tuple[str, int], ...]) -> dict[str, str]:
    # The scan reads a file of each installed package, which takes milliseconds.
    del packages
    return {entry.name: entry.value for entry in entry_points(group=_GROUP)}


def _changed(directory: str) -> tuple[str, int]:
    """Return a directory of packages, and when a package was last installed or removed there."""
    try:
        return directory, Path(directory).stat().st_mtime_ns
    except OSError:
        return directory, 0


def provider_class(kind: str) -> type[ProviderSpec]:
    """Return the spec class of a kind of provider.

    Raises:
        UnknownProvider: No installed package provides that kind, or its package can't be imported.
    """
    # Registered kinds are looked up first, since the first scan for entry points reads all packages.
    place = _registered.get(kind) or provider_kinds().get(kind)
    if place is None:
        raise UnknownProvider(kind, sorted(provider_kinds()))
    try:
        found: object = EntryPoint(kind, place, _GROUP).load()
    except (Exception, SystemExit) as error:  # other people's code, which may raise anything
        said = " ".join(str(error).split())
        reason = f"importing {place} raised {type(error).__name__}{': ' if said else ''}{said}"
        raise UnknownProvider(kind, sorted(provider_kinds()), reason=reason) from error
    if isinstance(found, type) and issubclass(found, ProviderSpec):
        return found
    reason = f"{place} is no subclass of ProviderSpec"
    raise UnknownProvider(kind, sorted(provider_kinds()), reason=reason)


class UninstalledProvider(ProviderSpec, frozen=True, extra="allow"):
    """The recorded spec of a provider that is not installed. Only histories hold such specs."""


class Providers:
    """The providers for reading records: a program's own, and the installed and registered ones.

    Pydantic passes the object to the validators as their context. A recorded spec of another kind
    raises UnknownProvider instead of a ValidationError: the record is sound.

    Args:
        own: The program's own spec classes, each with a default for `kind`.

    Raises:
        TypeError: A class has no default for `kind`.
    """

    def __init__(self, own: Iterable[type[ProviderSpec]] = ()) -> None:
        self.own: dict[str, type[ProviderSpec]] = {_kind_of(each): each for each in own}
        # Each record of a history names its provider, and finding one looks for newly installed packages.
        self._found = dict(self.own)

    def find(self, kind: str) -> type[ProviderSpec]:
        """Return the spec class of a kind.

        Raises:
            UnknownProvider: No provider has that kind.
        """
        if kind not in self._found:
            try:
                self._found[kind] = provider_class(kind)
            except UnknownProvider as error:
                known = sorted({*error.known, *self.own})
                raise UnknownProvider(kind, known, reason=error.reason) from error
        return self._found[kind]

    def read(self, kind: str, recorded: dict[str, Any]) -> ProviderSpec:  # Any: JSON
        """Return a recorded spec.

        Raises:
            UnknownProvider: No provider has that kind, or another package's provider refuses the
                values: another version of it wrote them, and the record is sound.
            ValidationError: A provider of this package refuses the values.
        """
        found = self.find(kind)
        try:
            return found.model_validate(recorded)
        except ValidationError as error:
            if found.__module__.partition(".")[0] == "environments":
                raise
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            place = f"{found.__module__}:{found.__qualname__}"
            reason = f"{place} refuses what another version of it recorded ({field}: {first['msg']})"
            raise UnknownProvider(kind, sorted({*provider_kinds(), *self.own}), reason=reason) from error

    def check_loadable(self, provider: ProviderSpec) -> None:
        """Check that a record of a provider will be read as the same class.

        Raises:
            UnknownProvider: No provider has its kind.
            InvalidConfiguration: Another class has its kind.
        """
        found, given = self.find(provider.kind), type(provider)
        if found is not given:
            raise InvalidConfiguration(
                f"provider {given.__name__}",
                [f"kind: {provider.kind!r} is the kind of {found.__module__}.{found.__name__}"],
            )


class RecordedProviders(Providers):
    """The providers for reading a history once, which is possible without the provider."""

    def __init__(self, providers: Providers) -> None:
        super().__init__(providers._found.values())

    def find(self, kind: str) -> type[ProviderSpec]:
        """Return the spec class of a kind, or UninstalledProvider."""
        try:
            return super().find(kind)
        except UnknownProvider:
            return self._found.setdefault(kind, UninstalledProvider)

    def read(self, kind: str, recorded: dict[str, Any]) -> ProviderSpec:  # Any: JSON
        """Return a recorded spec; if its provider can't read it, an UninstalledProvider."""
        try:
            return super().read(kind, recorded)
        except UnknownProvider:
            return UninstalledProvider.model_validate(recorded)


def _kind_of(provider: type[ProviderSpec]) -> str:
    kind = provider.model_fields["kind"].default
    if not isinstance(kind, str):
        raise TypeError(f"{provider.__name__} needs a kind: give it `kind: Literal['…'] = '…'`")
    return kind
