"""The nested layout: boxes in boxes, regions side by side, edges at right angles in their own rooms."""

from statechart.formats.svg.nested.planning import plan

__all__ = ["plan"]
