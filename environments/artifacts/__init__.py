"""Carry the files that a spec names to other machines, as archives named after their content."""
