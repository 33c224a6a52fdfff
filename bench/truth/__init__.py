"""The oracle's answers, and what an error is held against."""
