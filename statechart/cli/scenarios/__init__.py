"""Walks and histories of a chart, and the tests that they become."""
