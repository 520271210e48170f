"""The repositories of environments: files, and memory."""
