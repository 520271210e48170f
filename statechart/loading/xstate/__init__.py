"""Read JSON and YAML like XState's; what reads YAML is imported when a document needs it."""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
