"""An index of everything in a store, kept up to date: rows to search, filter, count and order."""
