"""Findings: each kind from rows by hand, none without its images, and no word that praises."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import pytest

from bench.report.findings import NOTHING, findings
from bench.report.tables import findings as table
from bench.report.told_apart import Told, places

FORBIDDEN = ("best", "faithful", "correct", "significant", "better", "good", "ranks")
CONTROLS = ("control.edges", "control.noise")


class Judged:
    """Rows of a network: letters, differences from controls, verdicts."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.own: tuple[str, ...] = ("own_random",)
        self.rows: list[dict[str, Any]] = []

    def add(self, **values: Any) -> Judged:
        made = {"task": "apart", "method": "", "precision": "float64", "subset": "correct"}
        self.rows.append(self.make.row("judge", "pytorch", **made | values))
        return self

    def scored(self, name: str, metric: str, value: float, letters: str, **more: Any) -> Judged:
        """A mean with its letters, and its differences from controls, all of a score of 0."""
        same = {"explainer": name, "metric": metric, "n": 60} | more
        apart = same.pop("apart", True)
        self.add(**same, statistic="mean", value=value, letters=letters)
        for control in () if name in CONTROLS else (*CONTROLS, *self.own):
            ends = {"value": value, "ci_lo": value - 0.1, "ci_hi": value + 0.1}
            self.add(**same, **ends, statistic="paired difference", against=control, apart=apart)
        return self

    def verdict(self, metric: str, cause: str = "") -> Judged:
        return self.add(metric=metric, statistic="verdict", value=0.9, apart=not cause, n=60,
                        notes=cause or None)  # fmt: skip

    def cost(self, name: str, evaluations: float) -> Judged:
        library = "control" if name in CONTROLS else ""
        row = self.make.row("contrast", "pytorch", explainer=name, evaluations=evaluations,
                            method=name.rpartition(".")[2], library=library)  # fmt: skip
        self.rows.append(row)
        return self

    def beside(self, name: str, metric: str, stage: str, **values: Any) -> Judged:
        made = {"task": "judge", "method": ""} if stage == "judge" else {"method": name}
        row = {"explainer": name, "metric": metric, "subset": "correct", **made, **values}
        self.rows.append(self.make.row(stage, "pytorch", **row))
        return self

    @property
    def frame(self) -> pd.DataFrame:
        frame: pd.DataFrame = self.make.frame(self.rows)
        return frame

    @property
    def told(self) -> Told:
        (told,) = places(self.frame)
        return told

    def said(self, kind: str) -> list[str]:
        found = [finding for finding in findings(self.told) if finding.kind == kind]
        for finding in findings(self.told):
            assert not any(word in finding.text.lower() for word in FORBIDDEN), finding.text
            assert finding.text.startswith("On digits, cnn-gap, one training: ")
        return [
            finding.text.removeprefix("On digits, cnn-gap, one training: ") for finding in found
        ]


@pytest.fixture
def judged(make: Any) -> Judged:
    """Two explainers, one far above both controls on two metrics that tell."""
    found = Judged(make)
    for name, evaluations in (("grad_cam", 1), ("rise", 500), *((c, 0) for c in CONTROLS)):
        found.cost(name, evaluations)
    for metric in ("removal_gain", "road"):
        found.scored("grad_cam", metric, 0.5, "a").scored("rise", metric, 0.3, "b")
        found.scored("control.edges", metric, 0.0, "c").scored("control.noise", metric, 0.0, "c")
        found.verdict(metric)
    return found


def test_above_every_control_on_two_metrics(judged: Judged) -> None:
    assert judged.said("F2") == [
        "grad_cam is above every control on removal_gain (+0.500 [0.400, 0.600], 60 images) and "
        "road (+0.500 [0.400, 0.600], 60 images).",
        "rise is above every control on removal_gain (+0.300 [0.200, 0.400], 60 images) and "
        "road (+0.300 [0.200, 0.400], 60 images).",
    ]
    assert not judged.said("F1") and not judged.said("F3") and not judged.said("F4")
    assert judged.said("") == []


def test_nobody_is_above_a_control_that_was_not_scored(judged: Judged) -> None:
    """A library's maps of the network before training cost time, so some runs have none."""
    judged.own = ()
    for metric in ("removal_gain", "road"):
        judged.scored("captum.occlusion", metric, 0.9, "d")
    assert all("captum" not in text for text in judged.said("F2"))


def test_explainers_of_the_same_maps_are_one(judged: Judged) -> None:
    for metric in ("removal_gain", "road"):
        judged.scored("torchcam.grad_cam", metric, 0.5, "a").scored("lime", metric, 0.4, "d")
    assert len(judged.said("F2")) == 4
    same = {"metric": "cosine", "stage": "judge", "subset": "", "n": 60}
    judged.beside("torchcam.grad_cam", against="grad_cam", value=1 - 1e-8, **same)
    judged.beside("torchcam.grad_cam", against="rise", value=0.98, **same)
    first, *others = judged.said("F2")
    assert first.startswith("grad_cam (and torchcam.grad_cam, the same maps) is above every")
    assert len(others) == 2
    (text,) = judged.said("tau")
    assert "order 3 explainers" in text


def test_what_is_lower_is_said_to_be(judged: Judged) -> None:
    for name in ("grad_cam", "rise"):
        judged.scored(name, "infidelity", -0.5, "a" if name == "grad_cam" else "b")
    judged.verdict("infidelity")
    assert "infidelity (lower: -0.500 [-0.600, -0.400], 60 images)" in judged.said("F2")[0]


def test_one_metric_alone_praises_nobody(judged: Judged) -> None:
    judged.verdict("road", "order unstable")
    assert not judged.said("F2")


def test_a_price_that_no_metric_sees(make: Any, judged: Judged) -> None:
    for metric in ("removal_gain", "road"):
        judged.scored("rise", metric, 0.49, "a")
    (text,) = judged.said("F3")
    assert text == (
        "rise costs 500 times the evaluations of grad_cam; none of removal_gain and road tells "
        "them apart (60 images)."
    )
    judged.verdict("removal_gain", "does not discriminate here")
    judged.verdict("road", "does not discriminate here")
    assert not judged.said("F3"), "no metric tells anything"


def test_an_explainer_that_is_no_control_is_never_told_from(judged: Judged) -> None:
    for metric in ("removal_gain", "road"):
        judged.scored("rise", metric, 0.01, "c", apart=False)
    (text,) = judged.said("F1")
    assert text == "no test here tells rise from control.edges (2 metrics, 60 images)."


def test_a_metric_that_does_not_tell_its_first_from_a_control(judged: Judged) -> None:
    judged.scored("grad_cam", "road", 0.5, "a", apart=False)
    judged.verdict("road", "does not discriminate here")
    (text,) = judged.said("F4")
    assert text == (
        "road does not tell grad_cam, which it puts first, from control.edges "
        "(+0.500 [0.400, 0.600], 60 images): that metric vouches for nobody here."
    )


def test_a_map_that_stays_when_all_weights_are_drawn_anew(judged: Judged) -> None:
    kept = {"metric": "cascading_randomisation", "stage": "contrast", "n": 60}
    judged.beside("grad_cam", value=0.4, ci_hi=0.5, **kept)
    judged.beside("rise", value=0.995, ci_hi=0.999, **kept)
    judged.beside("control.edges", value=1.0, ci_hi=1.0, **kept)
    (text,) = judged.said("F5")
    assert text == (
        "rise keeps a rank correlation of 0.995 after all weights are drawn anew (60 images): it "
        "cannot be explaining them."
    )


def test_metrics_that_disagree(judged: Judged) -> None:
    assert not judged.said("F6")
    judged.scored("grad_cam", "infidelity", 0.5, "b").scored("rise", "infidelity", 0.2, "a")
    judged.verdict("infidelity")
    one, other = judged.said("F6")
    assert "removal_gain puts grad_cam above, infidelity puts rise above (60 images)." in one
    assert "road puts grad_cam above, infidelity puts rise above" in other


def test_zero_maps_are_told(judged: Judged) -> None:
    same = {"metric": "deletion", "stage": "judge", "value": 0.1, "n": 60, "undefined": 0}
    judged.beside("rise", zero_map_share=0.25, **same)
    judged.beside("grad_cam", zero_map_share=0.0, **same)
    judged.beside("control.noise", zero_map_share=1.0, **same)
    assert judged.said("F7") == [
        "25 % of rise's maps are zero or constant (60 images); means include them at chance."
    ]


def test_orders_of_explainers_are_compared(judged: Judged) -> None:
    assert not judged.said("tau"), "two have no order worth a number"
    judged.scored("lime", "removal_gain", 0.4, "d").scored("lime", "road", 0.2, "d")
    judged.scored("grad_cam", "mask_auc", 0.9, "a").verdict("mask_auc")
    (text,) = judged.said("tau")
    assert (
        text
        == "removal_gain and road order 3 explainers with a Kendall's tau of 0.333 (60 images)."
    )
    judged.scored("cam", "removal_gain", 0.9, "a", n=29).scored("cam", "road", 0.1, "e")
    assert judged.said("tau") == [text], "one of too few images has no place in an order"


def test_few_images_enter_no_finding(make: Any) -> None:
    found = Judged(make).cost("grad_cam", 1).cost("control.edges", 0).cost("control.noise", 0)
    for metric in ("removal_gain", "road"):
        found.scored("grad_cam", metric, 0.5, "a", n=29).verdict(metric, "fewer than 30 images")
        found.scored("control.edges", metric, 0.0, "b", n=29)
    assert found.said("") == [f"{NOTHING}: fewer than 30 images."]
    found.verdict("road", "does not discriminate here")
    assert found.said("") == [f"{NOTHING}."]


def test_the_table_has_sentences_and_verdicts(judged: Judged) -> None:
    judged.verdict("infidelity", "order unstable")
    made = table.make(judged.frame)
    sentences, verdicts = made.sections
    assert len(sentences.frame) == 2 and "finding" in sentences.frame
    told = dict(zip(verdicts.frame["metric"], verdicts.frame["verdict"], strict=True))
    assert told == {
        "removal_gain": table.TELLS,
        "road": table.TELLS,
        "infidelity": "order unstable",
    }
    assert not re.search(r"\bnan\b", " ".join(sentences.frame["finding"]))
    assert set(made.data["cell_id"]) and set(made.data["run_id"])
    assert table.make(judged.make.frame([])).data.empty


def test_who_shows_a_planted_shortcut_and_who_misses_it(make: Any) -> None:
    def judged(dataset: str) -> list[str]:
        of = Judged(make)
        for name in (*CONTROLS, "control.uniform"):
            of.cost(name, 0).rows[-1]["library"] = "control"
        for metric in ("pointing_game", "relevance_rank"):
            for name, value, letters in (("grad_cam", 0.8, "a"), ("saliency", 0.1, "b")):
                of.scored(name, metric, value, letters, apart=name == "grad_cam").cost(name, 1)
            for name, letters in (("control.edges", "b"), ("control.noise", "c"),
                                  ("control.uniform", "b")):  # fmt: skip
                made = {"explainer": name, "metric": metric, "n": 60}
                of.add(**made, statistic="mean", value=0.1, letters=letters)
            of.verdict(metric)
        for row in of.rows:
            row["dataset"] = dataset
        (told,) = places(of.frame)
        return [each.text for each in findings(told) if each.kind == "F8"]

    (text,) = judged("shapes_shortcut")
    assert "shown by grad_cam (above every control" in text
    assert "missed by saliency, control.edges and control.noise (none of these" in text
    assert not any(re.search(rf"\b{word}\b", text) for word in FORBIDDEN)
    assert not judged("shapes")


def test_a_lead_that_holds_over_trainings_is_said(make: Any) -> None:
    of = Judged(make)
    for name in CONTROLS:
        of.cost(name, 0)
    for metric in ("removal_gain", "road"):
        of.scored("grad_cam", metric, 0.8, "a").verdict(metric)
        for control in CONTROLS:
            of.add(explainer="grad_cam", metric=metric, against=control, n=5, value=0.5,
                   ci_lo=0.4, ci_hi=0.6, apart=metric == "road",
                   statistic="paired difference over trainings")  # fmt: skip
    of.add(explainer="grad_cam", metric="road", against="control.uniform", n=0, value=None,
           apart=False, statistic="paired difference over trainings")  # fmt: skip
    of.cost("grad_cam", 1)
    (told,) = places(of.frame)
    (found,) = [each.text for each in findings(told) if each.kind == "F2"]
    assert found.endswith("; over 5 trainings on road too.")
