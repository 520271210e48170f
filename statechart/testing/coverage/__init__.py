"""Chart coverage: what tests meet of charts, counted, compared with production, and reported."""
