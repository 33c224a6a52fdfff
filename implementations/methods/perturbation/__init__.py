"""Scores of images of which something is hidden."""
