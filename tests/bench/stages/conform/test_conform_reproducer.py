"""A reproducer runs by itself, and is kept only where it shows a difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.stages.conform import explaining
from bench.stages.conform.design import Run
from bench.stages.conform.reproducer import MOST_LINES, Deviation, _alike, shown, text
from bench.truth import probes
from bench.truth.claims import Asked
from implementations import libraries
from implementations.arrays import Floats
from implementations.errors import Unavailable
from implementations.frameworks import hosts
from implementations.libraries._calls import call

RUN = Run("inplace", probe="rational")


def deviation(expected: Floats, library: str = "captum") -> Deviation:
    probe = RUN.given()
    return Deviation("pytorch", library, "1.0", "saliency", RUN, probe, probe.layer, expected)


def right() -> Floats:
    probe = RUN.given()
    network = probes.network("rational")
    asked = Asked(network, probe.images, probe.targets, probe.layer, "saliency")
    return asked.canonical.heatmap


def test_a_file_is_short_and_has_nothing_of_ours() -> None:
    content = text(deviation(right()))
    assert len(content.splitlines()) <= MOST_LINES
    assert "implementations" not in content and "bench" not in content
    assert "nn.ReLU(inplace=True)" in content and "Saliency(model)" in content


def test_only_what_shows_a_difference_is_kept(tmp_path: Path) -> None:
    assert shown(deviation(right()), tmp_path, "inplace host") == ""
    assert not list(tmp_path.iterdir())
    kept = shown(deviation(np.ones_like(right()) * 99), tmp_path, "inplace host")
    assert kept == "captum-1.0-saliency-inplace_host.py" and (tmp_path / kept).exists()


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(Unavailable, match="is not written"):
        text(deviation(right(), library="nobody"))
    branch = probes.load("branch")
    given = (branch.architecture, branch.weights, branch.images, branch.layer)
    with pytest.raises(Unavailable, match=r"no nn\.Sequential"):
        hosts.source("pytorch", "plain", *given)


def test_a_file_of_pytorch_grad_cam_runs_with_a_torchvision_that_does_not_fit(
    tmp_path: Path,
) -> None:
    run = Run("functional", probe="rational", place="before")
    probe = run.given()
    given = ("pytorch", "pytorch_grad_cam", "1.0", "guided_backprop", run, probe, probe.before)
    wrong = Deviation(*given, np.full(probe.images.shape[:3], 99.0))
    assert len(text(wrong).splitlines()) <= MOST_LINES
    assert shown(wrong, tmp_path, "functional host")


def test_what_the_library_draws_is_drawn_alike_in_the_file(tmp_path: Path) -> None:
    """On the plain host the file of an offer that draws finds what was drawn here."""
    library = libraries.load("pytorch_grad_cam")
    method = library.method("random_cam")
    run = Run(probe="rational")
    probe = run.given()
    host = hosts.make("pytorch", run.host, probe.architecture, probe.weights)
    explain = explaining.of_method(method, "pytorch", {})
    drawn = explaining.answer(explain, host, probe, probe.layer, False).maps
    assert drawn is not None and drawn.any()
    given = ("pytorch", "pytorch_grad_cam", "1.0", "random_cam", run, probe, probe.layer)
    assert shown(Deviation(*given, drawn), tmp_path, "plain host") == ""
    assert shown(Deviation(*given, drawn + 1), tmp_path, "plain host")


def test_settings_have_a_call_of_their_own() -> None:
    offer = "guided_grad_cam[interpolate_mode=bilinear]"
    probe = RUN.given()
    asked = Deviation("pytorch", "captum", "1.0", offer, RUN, probe, probe.layer, right())
    assert 'interpolate_mode="bilinear")' in text(asked)
    assert call("captum", "guided_grad_cam[interpolate_mode=area]") is None


def test_an_error_is_the_same_whatever_number_a_layer_has() -> None:
    said = "The layer {} has never been called and thus has no defined output."
    raised = f"AttributeError: {said.format('sequential_5')}"
    for name in ("sequential", "sequential_5", "sequential_12"):
        heard = f"Traceback (most recent call last):\n  a line\nAttributeError: {said.format(name)}"
        assert _alike(raised, heard)
    assert not _alike(raised, f"AttributeError: {said.format('functional_5')}")
    assert not _alike(raised, f"ValueError: {said.format('sequential_5')}")
