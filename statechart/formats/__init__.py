"""The formats of a diagram, each in a module."""
