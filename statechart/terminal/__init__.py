"""Read from and write to the terminal: what every command line of this distribution shares."""
