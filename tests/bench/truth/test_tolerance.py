from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.subject.inputs import subject
from bench.truth import answers, tie_breaking
from bench.truth import tolerance as gates
from implementations import methods

N, GATE = 200, 2e-6
Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture
def expected() -> Arrays:
    """An oracle's answer: signed maps with zero maps among their positive parts, no kink near."""
    signed = np.random.default_rng(0).normal(size=(N, 6, 7))
    signed[:20] = -np.abs(signed[:20])
    return {"signed": signed, "heatmap": np.maximum(signed, 0), "kinks": np.full(N, 1e-3)}


def held(
    expected: Arrays,
    tolerance: float | None = GATE,
    near: float = 1e-6,
    bound: float = 0.0,
    chance: float = 0.1,
) -> gates.Gate:
    """A gate with the kinks of `expected`."""
    bounds = {"heatmap": np.full(N, bound)}
    return gates.Gate(tolerance, bounds, near, chance, lambda chosen: expected["kinks"][chosen])


def moved(expected: Arrays, image: int, by: float) -> Arrays:
    found = expected["heatmap"].copy()
    found[image, 2, 3] += by
    return {"heatmap": found}


def test_the_same_maps_agree(expected: Arrays) -> None:
    row = gates.compare("heatmap", dict(expected), expected, held(expected))
    assert row["agree"] is True and row["share_within"] == 1 and row["kinks"] == []
    assert row["max_rel"] == row["rmse"] == row["max_abs"] == 0
    assert row["zero_map_share"] == 0.1 and row["nan_count"] == 0 and row["n_images"] == N


def test_a_wrong_heatmap_fails(expected: Arrays) -> None:
    wrong = {"heatmap": np.maximum(-expected["signed"], 0)}
    row = gates.compare("heatmap", wrong, expected, held(expected))
    assert row["agree"] is False and row["share_within"] == 0
    shifted = {"heatmap": np.roll(expected["heatmap"], 1, axis=2)}
    assert gates.compare("heatmap", shifted, expected, held(expected))["agree"] is False
    other_images = {"heatmap": expected["heatmap"][::-1]}
    assert gates.compare("heatmap", other_images, expected, held(expected))["agree"] is False


def test_where_no_image_has_a_gate_the_median_has(expected: Arrays) -> None:
    for typical, by, agrees in ((0.1, 0.05, True), (0.1, 2.0, False), (None, 2.0, None)):
        gate = replace(held(expected, tolerance=None), typical=typical)
        found = {"heatmap": expected["heatmap"] * (1 + by)}
        row = gates.compare("heatmap", found, expected, gate)
        assert row.get("agree") is agrees and row["tolerance"] is None
    expected["heatmap"][:150] = 0  # what is zero in both agrees in nothing
    found = {"heatmap": expected["heatmap"] * 3}
    gate = replace(held(expected, tolerance=None), typical=0.1)
    assert gates.compare("heatmap", found, expected, gate)["agree"] is False
    one = moved(expected, 199, 9.0)
    assert gates.compare("heatmap", one, expected, gate)["agree"] is True


def test_one_image_far_from_a_kink_fails_and_near_one_is_excused(expected: Arrays) -> None:
    found = moved(expected, 30, 0.1)
    row = gates.compare("heatmap", found, expected, held(expected))
    assert row["agree"] is False and row["share_within"] == 1 - 1 / N
    assert [(index, kink) for index, _, kink, *_ in row["kinks"]] == [(30, 1e-3)]

    expected["kinks"][30] = 9e-7
    row = gates.compare("heatmap", found, expected, held(expected))
    assert row["agree"] is True and row["kinks"][0][2] == 9e-7

    expected["kinks"][30] = 1.1e-6
    assert gates.compare("heatmap", found, expected, held(expected))["agree"] is False


@pytest.mark.parametrize("chance", [0.1, 0.2])
def test_no_more_than_a_share_is_excused_by_kinks(expected: Arrays, chance: float) -> None:
    expected["kinks"][:] = 1e-9
    allowed = gates.Gate(GATE, {}, 1e-6, chance, lambda chosen: chosen).few(N)
    assert chance * N < allowed < N / 2
    for count, agrees in ((allowed, True), (allowed + 1, False)):
        found = expected["heatmap"].copy()
        found[20 : 20 + count] += 0.1
        row = gates.compare("heatmap", {"heatmap": found}, expected, held(expected, chance=chance))
        assert row["agree"] is agrees and len(row["kinks"]) == count


def test_few_is_what_chance_hardly_exceeds() -> None:
    generator = np.random.default_rng(0)
    for n, chance in ((64, 0.0125), (256, 0.0376), (32, 0.5)):
        gate = gates.Gate(GATE, {}, 1e-6, chance, lambda chosen: chosen)
        drawn = generator.binomial(n, chance, 100_000)
        assert (drawn > gate.few(n)).mean() < 3 * gates.SURPRISE
        assert (drawn > gate.few(n) - 2).mean() > gates.SURPRISE
    never = gates.Gate(GATE, {}, 0.0, 0.0, lambda chosen: chosen)
    assert never.few(10_000) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("gate", [GATE, None])
def test_what_is_not_finite_never_passes(expected: Arrays, bad: float, gate: float | None) -> None:
    expected["kinks"][:] = 1e-9
    row = gates.compare("heatmap", moved(expected, 30, bad), expected, held(expected, gate))
    assert row["agree"] is False and row["nan_count"] == 1


def test_zero_maps_are_compared_by_absolute_error(expected: Arrays) -> None:
    expected["signed"][5] = expected["heatmap"][5] = 0
    assert (
        gates.compare("heatmap", moved(expected, 5, 1.9e-6), expected, held(expected))["agree"]
        is True
    )
    row = gates.compare("heatmap", moved(expected, 5, 2.1e-6), expected, held(expected))
    assert row["worst_image"] == 5
    assert row["agree"] is False and row["max_rel"] == pytest.approx(2.1e-6)
    # Zero after ReLU only: the scale is the signed map's, not the residue's.
    scale = np.abs(expected["signed"][6]).max()
    row = gates.compare("heatmap", moved(expected, 6, 1e-6 * scale), expected, held(expected))
    assert row["max_rel"] == pytest.approx(1e-6)
    zero = {**expected, "heatmap": np.zeros_like(expected["heatmap"])}
    row = gates.compare("heatmap", zero, zero, held(zero))
    assert row["zero_map_share"] == 1


def test_without_a_gate_the_error_is_published(expected: Arrays) -> None:
    row = gates.compare("heatmap", moved(expected, 30, 1), expected, held(expected, None))
    assert "agree" not in row and row["tolerance"] is None and row["max_rel"] > 0.1


def test_rounding_of_a_cancelling_sum_is_excused_up_to_its_bound(expected: Arrays) -> None:
    scale = np.abs(expected["signed"][30]).max()
    for error, agrees in ((9e-5, True), (1.1e-4, False)):
        found = moved(expected, 30, error * scale)
        row = gates.compare("heatmap", found, expected, held(expected, bound=1e-4))
        assert row["agree"] is agrees and row["kinks"][0][3] == 1e-4


def test_gates(small: Any, tmp_path: Path) -> None:
    about = subject(small.cell, small.context)
    answer = answers.answer(small.cell, about, Path(small.context["oracle"]))
    answer["logits"] = np.array([[-30.0, 20.0]])

    def gate(**changes: Any) -> tuple[float | None, float]:
        cell = replace(small.cell, **{"precision": "float32", **changes})
        found = gates.gate_of(cell, about, answer, tmp_path)
        return found.tolerance, found.near

    assert gate() == (2e-6, 1e-6)
    assert gate(method="saliency", layer="") == (1e-5, 1e-6)
    assert gate(precision="float64") == (1e-12, 1e-14)
    assert gate(precision="float64", score="probability") == (1e-12, 0)
    # No image is excused by a kink where the score itself amplifies rounding.
    tolerance, near = gate(score="probability")
    assert tolerance == pytest.approx(1e-5 + 4 * 2**-23 * 30) and near == 0
    assert gate(precision="bfloat16") == gate(precision="tf32") == (None, 0)


def test_a_method_s_own_thresholds_are_chances_too(small: Any, tmp_path: Path) -> None:
    about = subject(small.cell, small.context)
    answer = answers.answer(small.cell, about, Path(small.context["oracle"]))
    fem = replace(small.cell, precision="float32", method="fem")
    shape = about.architecture.shapes[methods.load("fem").layer(about.architecture, fem.layer)]
    assert gates.gate_of(fem, about, answer, tmp_path).chance == pytest.approx(
        1e-6 * np.prod(shape)
    )
    plain, finer = (
        gates.gate_of(replace(fem, method=name), about, answer, tmp_path).chance
        for name in ("hires_cam", "finer_cam")
    )
    assert finer == pytest.approx(plain + 1e-6)


def test_what_rounding_decides_is_followed_whatever_the_score(
    small: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    about = subject(small.cell, small.context)
    answer = answers.answer(small.cell, about, Path(small.context["oracle"]))
    asked: list[float] = []

    def followed(*asking: Any) -> None:
        asked.append(asking[4])

    monkeypatch.setattr(tie_breaking, "answer", followed)
    for precision, score in (
        ("float32", "logit"),
        ("float32", "probability"),
        ("float64", "logit"),
    ):
        cell = replace(small.cell, precision=precision, score=score)
        gates.gate_of(cell, about, answer, tmp_path).follow(np.array([0]))
    assert asked == [1e-6, 1e-6, 1e-14]


def test_float64_shows_that_the_code_is_right(expected: Arrays) -> None:
    scale = np.abs(expected["signed"][30]).max()
    right, wrong = (moved(expected, 30, error * scale) for error in (9e-13, 2e-12))
    assert gates.compare("heatmap", right, expected, held(expected, 1e-12, 1e-14))["agree"] is True
    expected["kinks"][30] = 1e-9  # near enough for float32's rounding, not for float64's
    assert gates.compare("heatmap", wrong, expected, held(expected, 1e-12, 1e-14))["agree"] is False


def test_maps_of_every_class_are_compared_as_one(expected: Arrays) -> None:
    every = {name: np.stack([expected[name]] * 3, axis=-1) for name in ("signed", "heatmap")}
    every["kinks"] = expected["kinks"]
    row = gates.compare("heatmap", {"heatmap": every["heatmap"]}, every, held(every))
    assert row["agree"] is True
    wrong = every["heatmap"].copy()
    wrong[30, 2, 3, 1] += 1e-3
    assert gates.compare("heatmap", {"heatmap": wrong}, every, held(every))["agree"] is False


def test_an_error_that_rounding_alone_makes_is_excused_far_from_a_kink(expected: Arrays) -> None:
    """Up to four times what it moves the oracle by; near a kink it counts among the kinks."""
    scale = np.abs(expected["signed"][30]).max()
    gate = replace(held(expected), moved=lambda i: {"heatmap": 1e-5 * (i == 30)}, decided=1e-6)
    for error, agrees in ((3.9e-5, True), (4.1e-5, False)):
        row = gates.compare("heatmap", moved(expected, 30, error * scale), expected, gate)
        assert row["agree"] is agrees and row["kinks"][0][3] == pytest.approx(4e-5)
    expected["kinks"][30] = 1e-6
    row = gates.compare("heatmap", moved(expected, 30, 3e-5 * scale), expected, gate)
    assert row["kinks"][0][3] == 0
