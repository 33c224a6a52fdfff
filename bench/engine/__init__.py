"""Cells in, rows out: child processes, their environments, their turns."""
