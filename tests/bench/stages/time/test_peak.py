from __future__ import annotations

import numpy as np
import pytest

from bench.stages.time import peak


def test_the_peak_is_that_of_a_matrix_product() -> None:
    found = peak.measure(1)
    assert found.keys() == {"float32", "float64"}
    # Any processor of this century does more than a billion a second and core, none 10 trillion.
    assert all(1e9 < value < 1e13 for value in found.values())
    assert found["float32"] > found["float64"]
    assert peak.measure(1) is found  # measured once a process


@pytest.mark.parametrize("name", ["", *peak.multiplying()])
def test_every_library_multiplies_what_it_is_given(name: str) -> None:
    product = peak.multiplying()[name] if name else peak.in_numpy
    matrix = np.random.default_rng(1).random((8, 8)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(product(matrix)()), matrix @ matrix, 1e-5)
