"""Many environments at once: which ones, and one outcome each."""
