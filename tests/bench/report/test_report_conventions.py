from __future__ import annotations

from typing import Any

from bench.report.render import markdown
from bench.report.tables import conventions
from implementations import libraries


def test_every_offer_of_every_library_is_a_line_or_has_a_reason(make: Any) -> None:
    frame = make.frame(make.times("pytorch", [10.0] * 3))
    table = conventions.make(frame)
    about = [libraries.describe(name) for name in libraries.names()]
    offers = [offer for each in about if each.framework != "reference" for offer in each.offers]
    assert table.data["offer"].tolist() == offers
    stated = table.data["reason"] == ""
    assert stated.any() and not stated.all()
    captum = table.data[table.data["library"].str.startswith("Captum")].set_index("offer")
    assert captum.loc["layer_grad_cam", "rectify"] == "none"
    assert captum.loc["layer_grad_cam", "formula"] == "" == captum.loc["layer_grad_cam", "resize"]
    assert captum.loc["layer_grad_cam", "same_with"] == "relu_attributions=true"
    assert captum.loc["layer_grad_cam", "shipped"] == "rectify: none"
    assert captum.loc["lime", "reason"] and not captum.loc["lime", "shipped"]
    shown = markdown(table, [])
    assert "normalise: min_max twice plus epsilon, epsilon: 1e-07" in shown
    assert "without one" in shown


def test_no_rows_no_table(make: Any) -> None:
    assert conventions.make(make.frame(make.times("pytorch", [10.0] * 3))[:0]).data.empty
