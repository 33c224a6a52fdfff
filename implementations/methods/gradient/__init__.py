"""Gradients at the input, and what is made of them."""
