"""Read the values of a store, without locks: lists, earlier values, changes."""
