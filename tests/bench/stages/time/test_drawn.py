from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.stages.time.drawn import KEPT, Drawn
from implementations import frameworks

IMAGES = np.random.default_rng(0).random((5, 4, 3, 1), np.float32)
TARGETS = np.arange(5, dtype=np.int32)


def drawn(found: list[Any], few: bool = False) -> Drawn:
    def check(images: Any, targets: Any, answers: Any) -> dict[str, Any]:
        found.append((images, targets, answers))
        return {"agree": bool(np.array_equal(answers, images.sum(axis=(1, 2, 3))))}

    oracle = frameworks.load("reference")
    return Drawn(IMAGES, TARGETS, oracle, lambda images, targets: (images, targets), check, few)


def test_no_batch_is_another_and_all_are_images() -> None:
    fresh = drawn([])
    batches = [fresh.draw() for _ in range(20)]
    assert len({batch.images.tobytes() for batch in batches}) == 20
    for batch in batches:
        assert batch.images.shape == IMAGES.shape and batch.images.dtype == np.float32
        assert batch.images.min() >= 0 and batch.images.max() <= 1
        assert sorted(batch.targets) == TARGETS.tolist()
    # Another process draws others: there is no list of them.
    assert drawn([]).draw().images.tobytes() != drawn([]).draw().images.tobytes()


def test_a_target_stays_with_its_image() -> None:
    batch = drawn([]).draw()
    nearest = [int(np.abs(IMAGES - image).mean(axis=(1, 2, 3)).argmin()) for image in batch.images]
    assert nearest == batch.targets.tolist()


@pytest.mark.parametrize(("few", "most"), [(False, KEPT + 1), (True, 1)])
def test_a_few_answers_are_looked_at_and_the_last_always(few: bool, most: int) -> None:
    found: list[Any] = []
    fresh = drawn(found, few)
    for _ in range(30):
        batch = fresh.draw()
        fresh.keep(batch, batch.images.sum(axis=(1, 2, 3)))
    assert fresh.again()["agree"] is True
    images, targets, answers = found[0]
    assert len(images) == len(targets) == len(answers) == most
    assert any(np.array_equal(image, images[-1]) for image in batch.images)
    fresh.keep(fresh.draw(), np.zeros(5))
    assert fresh.again()["agree"] is False
