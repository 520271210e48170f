"""The formats of a diagram: each writes a picture, or a chart, in one language."""
