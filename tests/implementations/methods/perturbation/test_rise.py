"""RISE: its masks, and what they give where the score is known."""

from __future__ import annotations

import numpy as np
import pytest
from oracle_maps import explained

from implementations import methods
from implementations.architecture.registered import get
from implementations.architecture.weights import randomise
from implementations.arrays import resize
from implementations.oracle import runtime

RISE = methods.load("rise")
ARCHITECTURE = get("cnn-gap", (9, 12, 3), 4)
NETWORK = runtime.build(ARCHITECTURE, randomise(ARCHITECTURE, 1))
IMAGES = np.random.default_rng(2).random((2, 9, 12, 3))
TARGETS = np.array([3, 0], np.int32)


def masks(options: dict[str, str], seed: int) -> np.ndarray:
    """Masks (n, H, W), written out from the definition."""
    resolved = RISE.resolve(options)
    drawn = RISE.draws(resolved, ARCHITECTURE, "input", seed)
    tall, wide = -(-9 // resolved.side), -(-12 // resolved.side)
    size = ((resolved.side + 1) * tall, (resolved.side + 1) * wide)
    return np.stack(
        [
            resize(cells[None], size)[0, top : top + 9, left : left + 12]
            for cells, (top, left) in zip(drawn["cells"], drawn["shifts"], strict=True)
        ]
    )


@pytest.mark.parametrize("divide", ["expectation", "coverage"])
def test_the_map_is_the_masks_weighted_by_their_scores(divide: str) -> None:
    options = {"masks": "40", "side": "4", "keep": "0.4", "divide": divide}
    drawn = masks(options, 5)
    assert drawn.shape == (40, 9, 12)
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    total = np.zeros((2, 9, 12))
    for mask in drawn:
        logits = NETWORK(IMAGES * mask[..., None])
        total += NETWORK.score("probability", logits, TARGETS)[:, None, None] * mask
    by = 40 * 0.4 if divide == "expectation" else drawn.sum(axis=0)
    found = explained("rise", NETWORK, IMAGES, TARGETS, seed=5, **options)
    np.testing.assert_allclose(found["heatmap"], total / by, rtol=1e-11)


def test_all_cells_open_give_the_score_everywhere() -> None:
    found = explained("rise", NETWORK, IMAGES, TARGETS, masks="3", keep="1")
    score = NETWORK.score("probability", NETWORK(IMAGES), TARGETS)
    expected = np.broadcast_to(score[:, None, None], (2, 9, 12))
    np.testing.assert_allclose(found["heatmap"], expected, rtol=1e-12)


def test_on_average_a_pixel_is_open_as_often_as_a_cell() -> None:
    drawn = masks({"masks": "4000", "keep": "0.3"}, 0)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.3, atol=0.03)


def test_its_own_score_is_the_probability() -> None:
    assert RISE.resolve({}).score == "probability"
    assert RISE.cost(RISE.resolve({}), ARCHITECTURE, "input").evaluations == 1000
