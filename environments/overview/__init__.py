"""The overview: a row for each environment, what needs a person first."""

from environments.overview.row import ATTENTION, GROUPS, EnvironmentRow
from environments.overview.source import EnvironmentSource

__all__ = ["ATTENTION", "GROUPS", "EnvironmentRow", "EnvironmentSource"]
