"""Compare the settings of an environment with its module, before anything is created."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from environments.providers.terraform.tofu.backends.declared import incomplete, unsupported

if TYPE_CHECKING:
    from environments.providers.terraform.settings import TerraformSettings
    from environments.providers.terraform.tofu.declarations import Declarations
    from environments.providers.terraform.tofu.module import Module

GIVEN = frozenset({"name", "instance_name"})
"""The variables that every module gets that declares them."""


def module_problems(spec: TerraformSettings, module: Module) -> Iterator[str]:
    """Yield a line for each reason why a module can't be used.

    A file that the parser does not understand may declare any variable and any output: Terraform's
    plan then finds a missing one.

    Raises:
        StepFailed: The parser is not installed, or the module has too many files.
        OSError: A file can't be read.
    """
    declared = module.declarations()
    if declared.empty:
        yield f"directory: {module.directory} holds no Terraform module (*.tf, *.tf.json)"
        return
    list(module.files())  # as at provision: an error if there are too many
    for problem in unsupported(declared):
        yield f"directory: {module.directory}/{problem}"
    yield from incomplete(declared, spec.backend_env)
    if declared.complete:
        yield from _unknown_names(spec, declared)
    yield from _missing_values(spec, declared)
    for source in module.outside():
        yield (
            f"directory: the module uses {source}, which lies outside and would not be copied; "
            "name the directory above both, or copy that module inside"
        )


def _unknown_names(spec: TerraformSettings, declared: Declarations) -> Iterator[str]:
    variables, outputs = declared.names("variable"), declared.names("output")
    for name in sorted(spec.variables.keys() - variables):
        known = ", ".join(sorted(variables)) or "none"
        yield f"variables.{name}: the module declares no such variable; it declares {known}"
    for field, name in spec.outputs:
        if name is not None and name not in outputs:
            known = ", ".join(sorted(outputs)) or "none"
            yield f"outputs.{field}: the module has no output {name!r}; it has {known}"


def _missing_values(spec: TerraformSettings, declared: Declarations) -> Iterator[str]:
    for block in declared.required():
        if block.name not in spec.variables.keys() | GIVEN:
            variable = f"TF_VAR_{block.name}"
            hint = f"a value, or the place of a secret, like {{env: {variable}}}"
            if variable in os.environ:
                hint = f"{{env: {variable}}}, since {variable} is set but is passed only if it is named"
            yield f"variables.{block.name}: the module needs it ({block.place}); write {hint}"
