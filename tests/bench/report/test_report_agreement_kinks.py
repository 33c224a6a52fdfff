from __future__ import annotations

from typing import Any

from bench.report.tables import agreement_kinks


def test_every_image_above_the_tolerance_is_listed(make: Any) -> None:
    kinks = [[3, 0.1, 1e-8, 0.0], [7, 0.2, 1e-3, 0.0]]
    rows = [make.agree("jax", "heatmap", kinks=kinks, agree=False)]
    table = agreement_kinks.make(make.frame(rows))
    assert table.data[["image", "error", "kink_distance"]].values.tolist() == [
        [3, 0.1, 1e-8],
        [7, 0.2, 1e-3],
    ]
    (section,) = table.sections
    assert section.frame["images"].tolist() == ["2"]
    assert "image 7" in section.told[0]


def test_a_long_list_says_what_it_leaves_out(make: Any) -> None:
    kinks = [[n, 0.1, 1e-8] for n in range(agreement_kinks.MOST + 5)]
    (section,) = agreement_kinks.make(
        make.frame([make.agree("jax", "signed", kinks=kinks)])
    ).sections
    assert section.told[-1] == "and 5 more, in the CSV"
    assert len(section.told) == agreement_kinks.MOST + 1


def test_within_the_tolerance_there_is_no_table(make: Any) -> None:
    table = agreement_kinks.make(make.frame([make.agree("jax", "signed")]))
    assert table.data.empty and not table.sections
