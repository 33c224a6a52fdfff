"""The float64 network in NumPy, its backward pass by hand: slow, obvious, never timed."""
