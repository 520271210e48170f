"""Values of a chart in a store: create, fire, find, verify and follow them by their names."""
