"""Spec files: load, validate, describe and generate them."""
