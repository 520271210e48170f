"""Recorded macrosteps, compared with the chart as it is declared today."""
