"""JAX with Flax NNX."""
