"""A program of subcommands: its group, its help pages and its exits."""
