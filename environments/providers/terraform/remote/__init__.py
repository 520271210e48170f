"""Work on the host over SSH."""
