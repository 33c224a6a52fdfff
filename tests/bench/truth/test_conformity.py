"""Planted conventions and causes are named; what is nobody's formula is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.truth import answers, claims, probes
from bench.truth.claims import Asked, predicted, unrectified
from bench.truth.conformity import DIFFERS, EMPTY, OTHER, SAME, UP_TO, ZEROS, verdict
from implementations.arrays import Floats
from implementations.conventions import Convention, combine
from implementations.formulas import EXPONENTIAL

SIZE = (13, 11)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "SECONDS", 1.0)


def asked(method: str = "grad_cam", probe: str = "base", **changed: str) -> Asked:
    found = probes.load(probe)
    network = answers.network(found.architecture, found.weights)
    return Asked(network, found.images, found.targets, found.layer, method, **changed)


def planted(about: Asked, **choices: str) -> Floats:
    convention = Convention(formula=choices.pop("formula", about.method), **choices)
    found = predicted(about, convention, np.zeros((6, *SIZE)))
    assert found is not None
    return found.maps.astype(np.float32)


def test_the_methods_own_map_is_the_same_at_either_size() -> None:
    about = asked()
    assert verdict(about.canonical.heatmap, about).word == SAME
    assert verdict(planted(about), about).word == SAME


@pytest.mark.parametrize(
    "choices",
    [
        {"normalise": "min_max"}, {"rectify": "none"}, {"resize": "nearest"},
        {"score": "probability"}, {"rectify": "magnitude", "normalise": "min_max"},
    ],
)  # fmt: skip
def test_a_planted_convention_is_named(choices: dict[str, str]) -> None:
    about = asked()
    found = verdict(planted(about, **choices), about)
    assert found.word == UP_TO and found.first
    assert all(f"{name} {value}" in found.conventions for name, value in choices.items())


def test_another_formula_is_named() -> None:
    about = asked()
    found = verdict(planted(about, formula="hires_cam"), about)
    assert found.word == OTHER and "formula hires_cam" in found.conventions


def test_a_variant_of_a_method_without_a_convention_is_named() -> None:
    raw = asked("score_cam[weights=raw]").canonical.heatmap
    found = verdict(raw, asked("score_cam"))
    assert found.word in (OTHER, UP_TO) and "score_cam[weights=raw]" in found.conventions


def test_a_condition_that_changes_the_tensor_is_told_apart_from_the_base() -> None:
    """In-place ReLUs: the activation after the ReLU times the gradient before it."""
    probe = probes.load("base")
    about = replace(asked(), node=probe.before)
    claim = Convention(normalise="min_max")
    maps = planted(about, pairing="activation of the partner", normalise="min_max")
    found = verdict(maps, about, claim)
    assert found.word == DIFFERS and found.first == "gradients" and found.size > 1e-3
    assert "pairing activation of the partner" in found.conventions


def test_rounding_of_an_empty_map_that_is_scaled_up_is_seen() -> None:
    about = asked(probe="negative")
    claim = Convention(normalise="min_max")
    maps = planted(about, normalise="min_max")
    empty = np.flatnonzero(np.ptp(maps, axis=(1, 2)) == 0)
    maps[empty[0], 3, 4] = 0.99
    assert verdict(maps, about, claim).conventions == EMPTY


def test_a_formula_of_the_same_method_is_named_where_it_parts_from_what_was_claimed() -> None:
    """One position: a channel is at its own threshold, which FEM as published does not keep."""
    about, kept = asked("fem", "tiny-1x1"), "fem, the threshold kept"
    assert not about.canonical.heatmap.any()
    found = verdict(planted(about, formula=kept), about, Convention(formula="fem"))
    assert found.word == DIFFERS and f"formula {kept}" in found.conventions


def test_zeros_noise_and_what_is_not_finite() -> None:
    about = asked()
    noise = np.random.default_rng(0).normal(size=(6, *SIZE))
    assert verdict(np.zeros((6, *SIZE)), about).conventions == ZEROS
    assert verdict(np.full((6, *SIZE), np.nan), about).conventions == "not finite"
    found = verdict(noise, about)
    assert (found.word, found.conventions, found.claim) == (DIFFERS, "", None)
    assert verdict(noise[:5], about).first == "heatmap"


def test_single_precision_in_a_double_network_is_named() -> None:
    about = asked(precision="float64")
    claim = Convention(normalise="min_max")
    found = verdict(planted(about, normalise="min_max"), about, claim)
    assert (found.word, found.conventions) == (DIFFERS, "computed in float32")


def test_a_variant_that_maps_every_class_is_passed_over() -> None:
    assert unrectified(asked("score_cam"), "score_cam[targets=all]", "logit") is None


def test_a_method_is_held_to_the_score_that_it_explains() -> None:
    about = asked("shapley_cam", score="log_probability")
    assert verdict(about.canonical.heatmap, about).word == SAME
    other = asked("shapley_cam")
    told = verdict(other.canonical.heatmap, other)
    assert (told.word, told.conventions) == (UP_TO, "score logit")
    assert verdict(other.canonical.heatmap, about).word != SAME


def test_an_image_that_rounding_decides_is_excused_and_named_and_no_other() -> None:
    about = asked("integrated_gradients", probe="small")
    assert about.undecided.tolist() == [False, False, False, True, False, False]
    maps = about.canonical.heatmap.copy()
    maps[3] *= 1.01
    told = verdict(maps, about)
    assert told.word == SAME and told.conventions == "but for image 3, which rounding decides"
    maps[2] *= 1.01
    assert verdict(maps, about).word == DIFFERS


def test_what_float32_has_no_number_for_is_no_error() -> None:
    about = asked("shapley_cam", probe="scaled-up", score="log_probability")
    assert 0 < about.canonical.peak.min() < 1e-200
    maps = about.canonical.heatmap.astype(np.float32)
    assert not maps[about.canonical.peak.argmin()].any()
    assert verdict(maps, about).word == SAME


def test_another_formulas_error_is_of_its_own_peak() -> None:
    about, cubes = asked("grad_cam_plus_plus"), "grad_cam_plus_plus, alpha ignored"
    claim = Convention(formula=cubes, resize="none", normalise="min_max plus epsilon", epsilon=1e-8)
    expected = predicted(about, claim, np.zeros_like(about.canonical.heatmap))
    assert expected is not None
    told = verdict(expected.maps + 2e-6, about, claim)
    assert told.word == OTHER and told.size < 1e-5


def test_a_score_through_the_softmax_is_as_exact_as_the_logits() -> None:
    assert asked("grad_cam", "saturated").tolerance == claims.TOLERANCES["float32"]
    about = asked("shapley_cam", "saturated", score="log_probability")
    step = float(np.spacing(np.float32(np.abs(about.network(about.images)).max())))
    assert 1e-5 < step <= about.tolerance < 1e-4
    exact = about.canonical.heatmap.astype(np.float32)
    assert verdict(exact * np.float32(1 + step), about).word == SAME
    uneven = 3e-4 * np.random.default_rng(0).random(exact.shape, np.float32)
    assert verdict(exact * (1 + uneven), about).word == DIFFERS
    assert verdict(np.where(exact < 1e-31, 0, exact), about).word == SAME  # XLA has no subnormals
    assert verdict(np.where(exact < 1e-12, 0, exact), about).word == DIFFERS


def test_a_map_of_weights_times_the_exponential_of_the_score_fades_as_that_does() -> None:
    about = asked("grad_cam_plus_plus", "norm")
    question = claims.question(about, np.zeros((6, *SIZE)))
    plain = Convention(formula=EXPONENTIAL.removesuffix(", times exp(score)"))
    times = replace(plain, formula=EXPONENTIAL)
    one, other = (combine(each, *question.evidence(each) or ()) for each in (plain, times))
    chosen = about.network(about.images)[np.arange(6), about.targets]
    np.testing.assert_allclose(other, np.exp(chosen)[:, None, None] * one, rtol=1e-12)
    faint = replace(times, normalise="min_max plus epsilon", epsilon=1e-3)
    maps = predicted(about, faint, np.zeros((6, *SIZE)))
    assert maps is not None
    found = verdict(maps.maps.astype(np.float32), about, faint)
    assert found.word == OTHER and "times exp(score)" in found.conventions
