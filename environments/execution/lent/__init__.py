"""Work on an environment that a store lends to a machine: its lease, and the state that comes along."""
