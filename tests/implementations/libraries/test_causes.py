"""Each line that a deviation is put down to is in its library, and every deviation has one."""

from __future__ import annotations

import csv
import inspect
import textwrap
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from bench.stages.conform import examined, explaining
from bench.stages.conform.design import Run
from implementations import libraries
from implementations.conventions import Convention
from implementations.libraries._causes import CAUSES, HIDDEN, TRAINED, Cause, cause
from implementations.libraries._reported import reported

PUBLISHED = Path(__file__).parents[3] / "results" / "tables" / "conformance.csv"


def published() -> list[dict[str, str]]:
    """The runs of the libraries' offers."""
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    return [row for row in csv.DictReader(lines) if row["version"]]


@pytest.mark.parametrize("each", CAUSES, ids=lambda each: f"{each.library}-{each.condition}")
def test_the_line_is_in_the_library(each: Cause) -> None:
    about = libraries.describe(each.library)
    if about.missing:
        pytest.skip(about.missing)
    package = {"pytorch_grad_cam": "grad-cam", "tf_keras_vis": "tf-keras-vis"}.get(
        each.library, each.library.replace("_", "-")
    )
    path = Path(str(distribution(package).locate_file(each.file)))
    assert each.text in path.read_text("utf-8")
    assert all(name in about.offers for name in each.offers)


def test_every_published_deviation_of_a_library_has_its_line() -> None:
    rows = published()
    found = {
        (*row["explainer"].partition(" ")[0].split("."), row["condition"])
        for row in rows
        if row["verdict"] in ("differs", "raises", "refuses")
        and row["condition"] not in (HIDDEN, TRAINED)
        and not row["line"]
    }  # fmt: skip
    assert len(found) > 30
    known = {each.library for each in CAUSES}
    assert not [each for each in found if each[0] in known and not cause(*each)]


def test_the_first_that_fits_counts() -> None:
    assert "float32 from a score of 89" in cause(
        "tf_keras_vis", "grad_cam_plus_plus", "probe rational"
    )
    assert cause("captum", "saliency", "base") == cause("captum", "saliency", HIDDEN) == ""
    assert "no copy" in cause("torchcam", "grad_cam", "inplace host, layer before the ReLU")


def verdicts(library: str, offer: str, runs: list[Run]) -> list[str]:
    """The words of an offer's verdicts, as shipped."""
    about = libraries.load(library)
    method, said = about.method(offer), about.offers[offer]
    explain = explaining.of_method(method, about.framework, {})
    subject = examined.Subject(explain, about.framework, said.like)
    if isinstance(said.convention, Convention):
        subject.claim = said.convention
    return [row["verdict"] for row in examined.rows(subject, runs)]


def changed(monkeypatch: pytest.MonkeyPatch, holder: Any, name: str, text: str, by: str) -> None:
    """Have a function of a library without the text that a deviation is put down to."""
    source = textwrap.dedent(inspect.getsource(getattr(holder, name)))
    assert text in source
    made: dict[str, Any] = dict(vars(inspect.getmodule(getattr(holder, name))))
    exec(source.replace(text, by), made)
    monkeypatch.setattr(holder, name, made[name])


def test_integrated_gradients_without_its_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Run(), Run("float64")]
    assert verdicts("captum", "integrated_gradients", runs) == ["same", "differs"]
    from captum.attr import IntegratedGradients

    text = "torch.tensor(step_sizes).float()"
    exact = "torch.tensor(step_sizes, dtype=grads[0].dtype)"
    changed(monkeypatch, IntegratedGradients, "_attribute", text, exact)
    assert verdicts("captum", "integrated_gradients", runs) == ["same", "same"]


def test_full_grad_without_its_epsilon(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [Run(), Run(probe="scaled-down")]
    assert verdicts("pytorch_grad_cam", "full_grad", runs) == ["other formula", "differs"]
    from pytorch_grad_cam.utils import image

    changed(monkeypatch, image, "scale_cam_image", "1e-7 + np.max(img)", "1e-30 + np.max(img)")
    assert verdicts("pytorch_grad_cam", "full_grad", runs)[1] == "other formula"


def test_every_published_reproducer_has_been_looked_for_among_issues() -> None:
    shown = [row for row in published() if row["reproducer"]]
    assert len(shown) > 30
    for row in shown:
        library, offer = row["explainer"].partition(" ")[0].split(".")
        explained = (library, offer) == ("tf_keras_vis", "grad_cam_plus_plus")  # by a convention
        if library in {each.library for each in CAUSES} and not explained:
            assert reported(library, offer, row["condition"]), row
