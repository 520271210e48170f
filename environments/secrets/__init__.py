"""Secrets: references to them, and their removal from stored and printed text."""
