"""The `envchart` command line."""

# The build takes the version of the distribution from here: looking that up with importlib.metadata
# would take longer than all else that `envchart --version` does.
VERSION = "0.1.0"
