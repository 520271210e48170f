"""Present environments to people: views, guidance, documents and text."""
