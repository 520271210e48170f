"""Fields of a spec that lists and selections read as well, without pydantic."""
