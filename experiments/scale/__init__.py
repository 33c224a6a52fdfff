"""What a Ray cluster costs, as `tests/soak/test_scale.py` measures it, and a plan made of that."""
