"""The operating system: processes, files, signals and time."""
