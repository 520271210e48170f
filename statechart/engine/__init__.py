"""The seam to python-statemachine: the checks of a declaration and the hooks of an event."""
