"""Work on environments by workers on many machines, on DBOS."""
