"""Hundreds of conventions planted and found again: `nox -s soak` (SOAK=100 of them by default)."""

from __future__ import annotations

import os

import pytest

from experiments.diagnoses import planted
from experiments.diagnoses.planted import KINDS, NONE

COUNT = int(os.environ.get("SOAK", "0"))
pytestmark = pytest.mark.skipif(not COUNT, reason="takes long: nox -s soak")
SHARE = 0.99
"""Of what was planted, how much is to be found."""


def test_nearly_all_that_was_planted_is_found() -> None:
    seed = int(os.environ.get("SEED", "0"))
    missed = [plant for plant in planted.plants(COUNT, seed) if not planted.recovered(plant)[0]]
    assert len(missed) <= (1 - SHARE) * COUNT, missed


@pytest.mark.parametrize("why", NONE)
def test_nothing_explains_what_is_no_conventions(why: str) -> None:
    for number, plant in enumerate(planted.plants(len(KINDS), seed=7)):
        assert not planted.unexplained(plant, why, number).found, plant
