"""The subcommands about what is declared: workspaces, environments and their files."""
