"""Models on disk: lock, journal and document behind one commit."""
