"""Storage: where environments are on record."""
