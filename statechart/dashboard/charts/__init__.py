"""The dashboard of a chart: the values of any `ChartRepository` in the browser, live."""
