"""Move the values of a chart to another store."""
