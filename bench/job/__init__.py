"""Whole jobs: which networks and cells, stage after stage, and what is written at the end."""
