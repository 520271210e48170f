"""Segments of a journal: the current one, and those that ended before it."""
