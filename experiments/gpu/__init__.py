"""Agreement, times and precision on a machine with a GPU that is borrowed for some minutes."""
