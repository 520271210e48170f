"""Values of a chart in a database: the ends of histories, and what is known of effects."""
