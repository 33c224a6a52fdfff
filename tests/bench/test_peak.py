from __future__ import annotations

from bench import peak


def test_the_peak_is_that_of_a_matrix_product() -> None:
    found = peak.measure(1)
    assert found.keys() == {"float32", "float64"}
    # Any processor of this century does more than a billion a second and core, none 10 trillion.
    assert all(1e9 < value < 1e13 for value in found.values())
    assert found["float32"] > found["float64"]
    assert peak.measure(1) is found  # measured once a process
