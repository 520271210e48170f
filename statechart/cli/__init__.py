"""`python -m statechart`: look at the values of any chart, change them by events, and draw the chart."""
