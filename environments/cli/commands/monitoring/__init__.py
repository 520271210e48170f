"""The subcommand `top`: all environments, or one, live on the whole terminal."""
