"""An index of everything in a store, kept up to date: rows to search, filter, count and order."""

from statechart.overview.index import Found, Index
from statechart.overview.query import SORTS, Query, Sort
from statechart.overview.row import Row, RowT, Source

__all__ = ["SORTS", "Found", "Index", "Query", "Row", "RowT", "Sort", "Source"]
