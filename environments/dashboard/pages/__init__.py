"""The pages of environments: the overview, the mosaic, and one environment."""

from environments.dashboard.pages.routes import routes
from environments.dashboard.pages.rows import FILTERS

__all__ = ["FILTERS", "routes"]
