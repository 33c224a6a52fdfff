from __future__ import annotations

from typing import Any

from bench.report.tables import shap

OPTIONS = [["kernel", "28"], ["masker", "blur"]]


def test_a_line_for_each_column_and_masker(make: Any) -> None:
    def rows(column: str, **error: Any) -> list[dict[str, Any]]:
        given = {"method": "partition", "library": "shap", "options": OPTIONS, "n_images": 8}
        gaps = [
            make.row("shap", column, **given, evaluations=500.0, metric="completeness_gap",
                     subset=subset, value=value)
            for subset, value in (("correct", 2e-7), ("wrong", 3e-7))
        ]  # fmt: skip
        return [*([make.row("shap", column, **given, **error)] if error else []), *gaps]

    near = {"compared": "values", "max_rel": 2e-6, "agree": True}
    frame = make.frame([*rows("pytorch"), *rows("jax", **near)])
    table = shap.make(frame)
    (section,) = table.sections
    assert section.frame["masker"].tolist() == ["blur(28,28)"] * 2
    lines = section.frame.set_index("column")
    assert lines.loc["jax", "agrees"] == "yes" and lines.loc["pytorch", "agrees"] == "–"
    assert lines.loc["jax", "error"] == "2e-06" and lines.loc["jax", "gap, wrong"] == "3e-07"
