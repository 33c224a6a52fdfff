"""Shapley values of the cells of an image: what each adds to the score, whatever else is shown."""
