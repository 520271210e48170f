"""The dashboard: pages in the browser that show what the store says, live."""
