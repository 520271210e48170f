"""Store models in a database: PostgreSQL, or SQLite; a row for each name, and one for each record."""
