"""Class activation maps: a weighted sum of a layer's channels."""
