"""What was tried once and can be tried again: a folder each, a command, a table in `results/`."""
