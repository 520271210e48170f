"""Kinds of provider and their spec classes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from typing_extensions import is_typeddict

from environments.model.errors import InvalidConfiguration, UnknownProvider

if TYPE_CHECKING:
    from pathlib import Path


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
        return  # what stands beside a type in Annotated holds no values
    elif issubclass(kind, BaseModel):
        yield from (field.annotation for field in kind.model_fields.values())
    elif is_dataclass(kind) or is_typeddict(kind) or hasattr(kind, "_fields"):
        yield from get_type_hints(kind).values()


class ProviderSpec(BaseModel, frozen=True, extra="forbid", hide_input_in_errors=True):
    """What all providers' specs share: `kind`, the discriminator.

    Other packages add kinds through the entry-point group `environments.providers`. A spec is saved,
    so a field that can hold a SecretStr is a TypeError when the class is defined.
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
        """Return the fields in which `new` differs and that only provisioning can apply."""
        return ("kind",) if new.kind != self.kind else ()

    def problems(self) -> tuple[str, ...]:
        """Return what keeps it from being used here and now, a line each; it looks at the disk."""
        return ()

    def for_release(self, *, app: Path | None = None, release: str | None = None) -> ProviderSpec:
        """Return it so that the next release takes another app, or an earlier release.

        It works for specs with the fields `app` and `pinned_release`.

        Raises:
            InvalidConfiguration: This kind of provider has no such choice.
        """
        if not {"app", "pinned_release"} <= type(self).model_fields.keys():
            raise InvalidConfiguration(f"provider {self.kind}", ["it does not let a release be chosen"])
        chosen = self.model_copy(update={"pinned_release": release})
        return chosen if app is None else chosen.model_copy(update={"app": app.absolute()})

    def for_address(self, address: str) -> ProviderSpec:
        """Return it so that register adopts the host at an address.

        It works for specs with the field `address`.

        Raises:
            InvalidConfiguration: This kind of provider adopts no hosts, or not this one.
        """
        if "address" not in type(self).model_fields:
            raise InvalidConfiguration(f"provider {self.kind}", ["it makes its resources, and adopts none"])
        return self.model_copy(update={"address": address})

    def relative_to(self, directory: Path, /) -> ProviderSpec:
        """Return it with relative paths made absolute, as seen from a directory."""
        del directory
        return self


_registered: dict[str, str] = {}


def register_provider(kind: str, place: str) -> None:
    """Make a kind of provider known in this process; `place` is its spec class, as `module:Class`.

    A package that is installed says so once, in the entry-point group `environments.providers`.
    """
    _registered[kind] = place


def provider_kinds() -> dict[str, str]:
    """Return each installed kind of provider and where its spec class is, as `module:Class`."""
    installed = {entry.name: entry.value for entry in entry_points(group="environments.providers")}
    return {**installed, **_registered}


def provider_class(kind: str) -> type[ProviderSpec]:
    """Return the spec class of a kind of provider.

    Raises:
        UnknownProvider: No installed package provides that kind.
    """
    place = _registered.get(kind) or provider_kinds().get(kind)
    if place is None:
        raise UnknownProvider(kind, sorted(provider_kinds()))
    module, _, name = place.partition(":")
    found: type[ProviderSpec] = getattr(import_module(module), name)
    return found
