"""The suite: what is asked of every implementation, and how the answers are kept."""
