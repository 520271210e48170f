"""The `envchart` command line."""

# The build takes the version of the distribution from here: looking that up with importlib.metadata
# would take 0.7 times the CPU time of importing click.
VERSION = "0.1.0"
