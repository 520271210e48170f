"""Keep arguments and results in the database as JSON, so that nothing is unpickled."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final

from dbos import Serializer

_ERROR: Final = "error of a workflow"


class PlainText(Serializer):
    """Writes strings, and the lists and mappings around them; an exception becomes its name and text."""

    def name(self) -> str:
        """Return the name that is kept beside each value."""
        return "envchart_json"

    def serialize(self, data: Any) -> str:  # Any: as DBOS declares it
        """Return a value as JSON.

        Raises:
            TypeError: The value is more than strings, numbers, lists and mappings.
        """
        return json.dumps(data, default=_plain)

    def deserialize(self, serialized_data: str) -> Any:  # Any: as above
        """Return the value of JSON."""
        found = json.loads(serialized_data)
        if isinstance(found, dict) and found.keys() == {_ERROR}:
            return RuntimeError(found[_ERROR])
        return found


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, BaseException):
        return {_ERROR: f"{type(value).__name__}: {value}"}
    raise TypeError(f"a fleet keeps no {type(value).__name__} in its queue")
