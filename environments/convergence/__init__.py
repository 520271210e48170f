"""Bring environments to what is declared: compare, plan, do."""
