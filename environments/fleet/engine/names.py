"""Names under which DBOS keeps the work of a fleet."""

from __future__ import annotations

from typing import Final

APPLICATION: Final = "envchart"
SCHEMA: Final = "envchart_fleet"
"""The schema of DBOS's tables: other applications of the database may use DBOS, too."""

QUEUE: Final = "envchart"
TAKEOVERS: Final = "envchart-takeovers"
"""The queue of wishes whose worker died or handed them over; it has slots of its own."""

WISH: Final = "envchart.wish"
"""The workflow that carries out a wish."""

SCHEDULED: Final = "envchart.scheduled"
"""The workflow that submits wishes at the times of a schedule."""

CANCEL: Final = "cancelled_by"
"""The attribute that asks to cancel a wish, with the author."""

UNFIT: Final = "unfit"
"""The attribute with the workers that could not begin a wish, each with its reasons."""
