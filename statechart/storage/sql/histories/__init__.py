"""Read the histories of a database: verified, as they grow, and what is left of damaged histories."""
