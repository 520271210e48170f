"""Machines: instances of charts, each with a model."""
