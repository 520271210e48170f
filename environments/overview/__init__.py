"""The overview: a row for each environment, what needs a person first."""
