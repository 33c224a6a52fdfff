"""What is kept: cells, rows, runs, the machine, the fingerprint of the code."""
