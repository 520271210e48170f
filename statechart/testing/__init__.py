"""Tools for testing charts: drivers, paths, matrices, a Hypothesis machine, coverage and contracts.

Names are imported on first use, as only `state_machine` needs Hypothesis.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
