"""Find secrets and keep them out of everything that is stored or printed."""
