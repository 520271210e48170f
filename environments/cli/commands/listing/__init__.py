"""The subcommand `list`: reading, choosing and watching environments."""
