"""Answers about the values of a chart, as documents: those that `--json` prints and that pages show."""
