"""For tests of charts: drivers, paths, matrices, a Hypothesis machine, coverage and contracts."""
