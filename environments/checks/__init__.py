"""Compare the record of an environment with the world and with the chart."""
