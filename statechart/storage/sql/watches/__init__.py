"""How a database tells that it has changed: by notices of PostgreSQL, or by the version of a file."""
