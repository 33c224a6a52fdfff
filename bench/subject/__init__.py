"""What a cell is of: network, images, targets, explainer; and what a user requests."""
