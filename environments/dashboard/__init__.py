"""The dashboard of environments."""
