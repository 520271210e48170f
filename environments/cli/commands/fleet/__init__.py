"""`fleet`: work on environments by workers on many machines."""
