from __future__ import annotations

from typing import Any

import pytest

from bench.report.frame import gather
from bench.report.tables import agreement_stages


def section(make: Any, rows: list[dict[str, Any]]) -> Any:
    return agreement_stages.make(make.frame(rows))


def test_images_of_all_cells_count_and_the_worst_cell_is_named(make: Any) -> None:
    rows = []
    for network, images, within in (("cnn-gap", 300, 1.0), ("cnn-32-16-8", 100, 0.97)):
        part = {"architecture": network, "n_images": images, "share_within": within}
        rows.append(make.agree("jax", "logits", **part, worst_image=images - 1))
        rows.append(make.agree("jax", "heatmap", **part | {"share_within": 1.0}))
        rows.append(make.agree("pytorch", "logits", **part | {"share_within": 2 * within - 1}))
    table = section(make, rows)
    line = table.data.set_index(["column", "compared"]).loc[("jax", "logits")]
    assert line["share_within"] == pytest.approx(0.9925)
    assert (line["images"], line["worst_architecture"]) == (400, "cnn-32-16-8")
    assert line["worst_image"] == 99
    shown = table.sections[0].frame.set_index("images within")
    assert list(shown.index) == ["grad_cam: logits", "grad_cam: heatmap"]
    assert shown.loc["grad_cam: logits", "jax"] == "99.2 % (97 %)"
    assert shown.loc["grad_cam: logits", "pytorch"] == "98.5 % (94 %)"
    assert shown.loc["grad_cam: heatmap", "jax"] == "100 %"
    assert shown.loc["grad_cam: heatmap", "pytorch"] == "–"


def test_each_machine_rounds_in_its_own_way(make: Any) -> None:
    heads = [make.head, {**make.head, "machine_id": "m2"}]
    runs = [
        (head, [make.agree("jax", "logits", share_within=share)])
        for head, share in zip(heads, (1.0, 0.5), strict=True)
    ]
    table = agreement_stages.make(gather(runs, make.code_hash))
    shown = {section.title: section.frame["jax"][0] for section in table.sections}
    where = "cpu, float32, trained weights, machine"
    assert shown == {f"{where} m1": "100 %", f"{where} m2": "50 % (50 %)"}


def test_what_no_gate_judges_has_no_share(make: Any) -> None:
    rows = [make.agree("jax", "logits", share_within=None)]
    assert agreement_stages.make(make.frame(rows)).data.empty


def test_stale_rows_are_marked(make: Any) -> None:
    table = section(make, [make.agree("jax", "logits", share_within=1.0, code_hash="old")])
    assert table.sections[0].frame["jax"][0] == "100 % †"
    assert table.sections[0].notes
