"""Commands on several environments: choosing them, working on them, and showing how they end."""
