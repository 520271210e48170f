"""`schema`: the JSON Schema of environment files."""

from __future__ import annotations

import json
from typing import Any


def test_the_schema_is_json_with_and_without_the_json_option(cli: Any) -> None:
    assert json.loads(cli("schema").out) == cli("schema", "--json").document
