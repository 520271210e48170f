"""Timers of a store's values: which are due, and a runner that fires each of them once."""
