"""The migrations of the tables of environments.

A migration that programs of before can live with says so in its revision: `0002_since_0001`. It may add
tables, and columns that have a default. Columns and tables that such programs use are removed by a later
migration, once no such program runs. A released revision is never changed.
"""
