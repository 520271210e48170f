"""The subcommands on stores as a whole."""
