"""Values of a chart in files: what is read from the ends of journals, and what is known of effects."""
