"""Environments in a database: their record, and what goes with it from machine to machine."""
