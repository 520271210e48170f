"""Run a command: acquire the lock, run the steps, record each result."""
