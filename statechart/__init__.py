"""Declarative, durable statecharts: make any chart strict and commit each event once.

The public names are declared in `__init__.pyi` and imported when they are first used.
"""

from statechart.lazy import attach

__getattr__, __dir__ = attach(__name__)
