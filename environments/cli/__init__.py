"""The `envchart` command line."""
