"""Spec files: loading, validation, schema and templates."""
