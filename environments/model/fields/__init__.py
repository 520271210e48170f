"""The parts of the model that lists, selections and `up` read as well, without pydantic."""
