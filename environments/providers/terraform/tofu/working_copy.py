"""The copy of the module in which OpenTofu or Terraform works."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, JsonValue, ValidationError

from environments.errors import StepFailed
from environments.model.failure import FailureCause
from environments.providers.terraform.layout import Layout
from environments.providers.terraform.tofu import module
from environments.providers.terraform.tofu.backends.declared import unsupported
from environments.providers.terraform.tofu.declarations import Declarations
from environments.system.files import entries, read_own, write_private

if TYPE_CHECKING:
    from environments.model.steps import StepContext
    from environments.providers.terraform.settings import TerraformSettings

_CODE = (".tf", ".tf.json", ".tofu", ".tofu.json")


@dataclass(frozen=True, slots=True)
class WorkingCopy:
    """An environment's copy of its module, with the templates rendered.

    Attributes:
        spec: The settings, which name the module.
        context: The step that works with the copy.
    """

    spec: TerraformSettings
    context: StepContext

    @property
    def layout(self) -> Layout:
        """The layout of the environment's files."""
        return Layout.at(self.context)

    def source(self) -> dict[str, bytes]:
        """Return the rendered files of the module as it is now.

        Raises:
            StepFailed: The module is missing, a template can't be rendered, the module has a backend that
                can't be used, or the parser is not installed.
        """
        directory, environment = self.spec.directory, self.context.environment
        if not directory.is_dir():
            summary = f"directory: {directory} is not there: put the module back, then try again"
            raise StepFailed(FailureCause.CONFIGURATION, summary)
        facts = {
            "name": environment.name,
            "instance_name": environment.spec.instance_name,
            "variables": self.spec.plain_variables,
        }
        files = module.Module(directory).render(facts)
        # The module may have changed since the spec was checked, or a template may hold the block.
        for problem in unsupported(Declarations.of(files)):
            raise StepFailed(FailureCause.CONFIGURATION, f"directory: {problem}; then try again")
        return files

    def write(self, files: Mapping[str, bytes], *, applied: bool = False) -> None:
        """Write the files and the variables, and note the files' names.

        Args:
            files: The rendered files.
            applied: Whether the resources were created by this module.
        """
        target = self.layout.prepare(self.layout.module)
        module.write(files, self._variables(files), target)
        self._note(_Manifest(applied=applied, files=tuple(sorted(files))))

    def write_again(self, files: Mapping[str, bytes]) -> None:
        """Write the files; a copy that is not changed by this stays applied if it was."""
        self.write(files, applied=not self.lacking() and self.is_applied() and self.is_current())

    def mark_applied(self) -> None:
        """Note that resources are created by the module in the copy from now on."""
        if (manifest := self._manifest()) is not None and not manifest.applied:
            self._note(manifest.model_copy(update={"applied": True}))

    def _note(self, manifest: _Manifest) -> None:
        write_private(self.layout.manifest, manifest.model_dump_json(indent=2) + "\n")

    def _variables(self, files: Mapping[str, bytes]) -> dict[str, JsonValue]:
        environment = self.context.environment
        ours = {"name": environment.name, "instance_name": environment.spec.instance_name}
        declared = Declarations.of(files)
        # A file that only Terraform understands may declare them; a value too many is but a warning.
        given = {key: value for key, value in ours.items() if key in declared.names("variable")}
        return {**(given if declared.complete else ours), **self.spec.plain_variables}

    def overridden(self, files: Mapping[str, bytes]) -> list[str]:
        """Return the variables that the module's own files of values set in vain, each with its file."""
        given = {*self._variables(files), *self.spec.variables}
        return [
            f"{variable} in {name}"
            for name, content in sorted(files.items())
            for variable in sorted(given & Declarations.of({name: content}).values)
        ]

    def files(self) -> dict[str, bytes]:
        """Return the files of the copy, without Terraform's own."""
        return module.copied(self.layout.module)

    def is_current(self) -> bool:
        """Return whether the copy is the same as the module as it is now."""
        return _own(self.source()) == _own(self.files())

    def is_applied(self) -> bool:
        """Return whether the resources were created by the module in the copy."""
        # Without the list, files may be missing, and with them destroy-time provisioners.
        manifest = self._manifest()
        return manifest is not None and manifest.applied

    def lacking(self) -> str:
        """Return the part of the copy that is missing, or an empty string."""
        target, manifest = self.layout.module, self._manifest()
        if not target.is_dir():
            return f"{target} is not there"
        if not any(path.name.endswith(_CODE) for path in entries(target)):
            return f"{target} holds no module"
        if manifest is None and self.layout.manifest.exists() and self.spec.directory.is_dir():
            return f"{self.layout.manifest} is damaged"
        names = (module.VARIABLES_FILE, *(manifest.files if manifest else ()))
        return next(
            (f"{target / name} is not there" for name in names if not (target / name).is_file()), ""
        )

    def _manifest(self) -> _Manifest | None:
        """Return the list of the files, or None if it is damaged, or missing as in an earlier version."""
        try:
            return _Manifest.model_validate_json(read_own(self.layout.manifest))
        except (FileNotFoundError, ValidationError):
            return None


class _Manifest(BaseModel, frozen=True):
    """The names of the copy's files, and whether the resources were created by them."""

    applied: bool
    files: tuple[str, ...]


def _own(files: Mapping[str, bytes]) -> dict[str, bytes]:
    # The lock file may come from init and not from the module.
    return {name: content for name, content in files.items() if name != ".terraform.lock.hcl"}
