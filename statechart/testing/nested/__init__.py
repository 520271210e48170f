"""Items that tests can meet of macrosteps: configurations, refusals, transitions."""
