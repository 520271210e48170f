"""For tests of charts: drivers, paths, matrices, a Hypothesis machine, coverage and contracts.

Names are loaded when they are first used: only `state_machine` needs Hypothesis.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
