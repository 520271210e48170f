"""The values of an environment, independent of the engine."""
