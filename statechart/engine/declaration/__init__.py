"""The declarations of a chart, checked with its class: names, members, parameters and models."""
