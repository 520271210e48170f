"""Timers of environments: what happens when their time has passed."""
