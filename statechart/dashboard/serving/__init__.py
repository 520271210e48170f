"""Serving a dashboard on a port of its own: the options of the command, its start and its end."""
