"""Networks as data: nodes, shapes, weights, the registered ones, how they are trained."""
