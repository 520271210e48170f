"""The engine of a fleet: DBOS, and the table of workers beside its tables."""
