"""Recover environments after a crash."""
