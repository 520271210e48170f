"""Actions of pages: the next commands, run as processes of their own. Only where they are allowed."""

from environments.dashboard.acting.routes import acting_facts, routes

__all__ = ["acting_facts", "routes"]
