"""The plan for a hundred nodes is made of what was measured, and of nothing typed."""

from __future__ import annotations

import json

from experiments.scale.__main__ import FIGURES, PAGE, filled, plan


def test_the_page_has_the_plan_of_the_figures_beside_it() -> None:
    figures, page = json.loads(FIGURES.read_text()), PAGE.read_text()
    assert filled(page, figures) == page
    assert figures["peak_mb"] < 1024 and figures["jobs"] >= 10_000


def test_a_plan_by_hand() -> None:
    told = plan({
        "date": "2026-01-01", "machine": "a CPU", "commit": "abc", "jobs": 10_000, "rows": 10,
        "cpu_ms": 10.0, "wall_ms": 8.0, "told_bytes": 900, "peak_mb": 400.0, "before_mb": 100.0,
        "waits": 8, "seconds": 10.0, "one_s": 80.0, "two_s": 40.0, "here_s": 40.0,
    })  # fmt: skip
    assert "| 1600 x 10.0 ms | 16 s; cells shorter" in told
    assert "| 10,000 x 60 s / 1600 | 6.2 minutes; 100 s of the driver's CPU |" in told
    assert "2.00 times as fast" in told and "Ray costs 0.0 % more" in told
    assert "| 10,000 x 900 bytes | 9 MB |" in told and "400 MB after 10,000 jobs" in told
