"""Move whole histories from one store to another, byte for byte."""
