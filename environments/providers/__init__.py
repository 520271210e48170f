"""Providers: each brings environments of one kind up and down, in steps."""
