"""The subcommands for the time after a crash."""
