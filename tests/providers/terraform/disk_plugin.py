"""A Terraform provider with the resource `lab_disk`, a file whose changes show as drift."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tf.iface import Config, DataSource, Provider as PluginProvider, Resource
from tf.runner import run_provider
from tf.schema import Attribute, Schema
from tf.types import String
from tf.utils import Diagnostics


class Disk(Resource):
    """A file with content."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider

    @classmethod
    def get_name(cls) -> str:
        return "disk"

    @classmethod
    def get_schema(cls) -> Schema:
        return Schema(
            attributes=[
                Attribute("path", String(), required=True, requires_replace=True),
                Attribute("content", String(), required=True),
            ]
        )

    def create(self, ctx: Any, planned: dict[str, str]) -> dict[str, str]:
        Path(planned["path"]).write_text(planned["content"])
        return planned

    def read(self, ctx: Any, current: dict[str, str]) -> dict[str, str] | None:
        path = Path(current["path"])
        return {**current, "content": path.read_text()} if path.exists() else None

    def update(self, ctx: Any, current: dict[str, str], planned: dict[str, str]) -> dict[str, str]:
        return self.create(ctx, planned)

    def delete(self, ctx: Any, current: dict[str, str]) -> None:
        Path(current["path"]).unlink(missing_ok=True)


class Lab(PluginProvider):
    """The Terraform provider."""

    def get_model_prefix(self) -> str:
        return "lab_"

    def get_provider_schema(self, diags: Diagnostics) -> Schema:
        return Schema(attributes=[])

    def full_name(self) -> str:
        return "lab.local/lab/lab"

    def validate_config(self, diags: Diagnostics, config: Config) -> None:
        pass

    def configure_provider(self, diags: Diagnostics, config: Config) -> None:
        pass

    def get_data_sources(self) -> list[type[DataSource]]:
        return []

    def get_resources(self) -> list[type[Resource]]:
        return [Disk]


if __name__ == "__main__":
    run_provider(Lab(), sys.argv)
