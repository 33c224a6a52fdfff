"""Networks that were saved elsewhere, made into architectures and weights of this house."""
