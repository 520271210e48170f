"""A module for each revision of the tables of environments."""
