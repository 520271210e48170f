"""Convert values of models to records, and records to values."""
