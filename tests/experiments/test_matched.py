"""What offers state in words is what their libraries compute, and no other formula is."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.matched.__main__ import prepare
from experiments.matched.computed import SAME, STATED, Subject, row
from experiments.matched.formulas import Stated, score_cam_aligned
from implementations import libraries

for library in ("pytorch_grad_cam", "torchcam"):
    if libraries.describe(library).missing:
        pytest.skip(f"{library} is not installed", allow_module_level=True)

OFFERS = ("pytorch_grad_cam.ablation_cam", "pytorch_grad_cam.score_cam", "torchcam.score_cam")


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    folder: Path = tmp_path_factory.mktemp("matched")
    prepare("cnn-32-16-8", 2, folder)
    return Subject(folder, "pytorch")


def to_stated(subject: Subject, offer: str) -> float:
    library, _, name = offer.partition(".")
    about = libraries.load(library)
    found = row(subject, about.method(name), about.offers[name])
    assert found["to_ours"] > 0.01
    return float(found["to_stated"])


@pytest.mark.parametrize("offer", OFFERS)
def test_the_formula_in_words_is_the_librarys(subject: Subject, offer: str) -> None:
    assert to_stated(subject, offer) <= SAME


def test_another_formula_is_told(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STATED, "pytorch_grad_cam.ablation_cam", Stated(score_cam_aligned))
    assert to_stated(subject, "pytorch_grad_cam.ablation_cam") > SAME


def test_every_formula_is_an_offers() -> None:
    known = {
        f"{name}.{offer}" for name in libraries.names() for offer in libraries.describe(name).offers
    }
    assert set(STATED) <= known
