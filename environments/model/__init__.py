"""The values of an environment; nothing here imports the engine."""
