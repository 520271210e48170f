"""Layers: for charts whose transitions would tangle in a line."""

from statechart.formats.svg.layered.planning import plan

__all__ = ["plan"]
