from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bench.report import site
from bench.report.site.material import Material
from bench.report.site.pages import conformance
from bench.report.site.shell import Page

pytestmark = pytest.mark.skipif(site.missing() is not None, reason=str(site.missing()))
Make = Callable[[list[dict[str, Any]], Path], Material]


def runs(page: Page) -> list[dict[str, Any]]:
    """The lines of the page's data."""
    columns = page.data["conform_runs"]["columns"]
    lists = {
        name: [values["words"][n] for n in values["of"]] if isinstance(values, dict) else values
        for name, values in columns.items()
    }
    return [dict(zip(lists, line, strict=True)) for line in zip(*lists.values(), strict=True)]


def test_a_run_has_its_kind_what_its_offer_states_and_where_its_source_stands(
    rows: list[dict[str, Any]], material: Make, tmp_path: Path
) -> None:
    user = {**rows[-1], "cell_id": "user", "explainer": "mine:cam", "like": "grad_cam"}
    (page,) = conformance.make(material([*rows, user], tmp_path))
    found = {(line["explainer"], line["condition"]): line for line in runs(page)}
    assert len(found) == 6
    assert found["mine:cam", "base"]["library"] == conformance.USERS
    offer = "captum.layer_grad_cam"
    assert [found[offer, c]["kind"] for c in ("base", "reused host", "probe norm")] == [
        "base",
        "host",
        "probe",
    ]
    assert "rectify: none" in found[offer, "base"]["stated"]
    assert found[offer, "reused host"]["source"] == "source-0"
    assert found[offer, "base"]["source"] == ""
    assert found["torchcam.ss_cam", "base"]["verdict"] == conformance.NOT_RUN
    assert found["grad_cam", "base"]["library"] == conformance.OWN


def test_a_reproducer_is_read_from_its_folder_alone_and_shown_as_text(
    rows: list[dict[str, Any]], material: Make, tmp_path: Path
) -> None:
    about = material(rows, tmp_path)
    name = next(row["reproducer"] for row in rows if row.get("reproducer"))
    (page,) = conformance.make(about)
    ((_, shown),) = page.context["sources"]
    assert "<b>" not in shown and "\x1b" not in shown
    told = html.unescape(re.sub(r"<[^>]+>", "", str(shown)))
    assert 'print("found", found)\n' in told and "# <b>not bold</b>" in told
    (tmp_path / "outside.py").write_text("secret = 1\n", encoding="utf-8")
    path = tmp_path / "reproducers" / name
    outside = about.frame.assign(
        reproducer=about.frame["reproducer"].replace(name, "../outside.py")
    )
    for other in (replace(about, frame=outside), replace(about, reproducers=None)):
        assert next(conformance.make(other)).context["sources"] == []
    path.unlink()
    path.symlink_to(tmp_path / "outside.py")
    assert next(conformance.make(about)).context["sources"] == []


def test_numbers_of_a_reproducer_have_no_markup_of_their_own(
    rows: list[dict[str, Any]], material: Make, tmp_path: Path
) -> None:
    about = material(rows, tmp_path)
    (path,) = (tmp_path / "reproducers").iterdir()
    path.write_text(f"x = {list(range(5000))}\nprint('found')\n", encoding="utf-8")
    ((_, shown),) = next(conformance.make(about)).context["sources"]
    assert len(shown) < 1.2 * path.stat().st_size
    path.write_text(f"x = {list(range(50000))}\n", encoding="utf-8")  # none that the suite writes
    assert next(conformance.make(about)).context["sources"] == []


def test_without_a_run_the_page_says_how_to_make_one(make: Any, tmp_path: Path) -> None:
    about = Material(make.frame([]), [], {}, tmp_path / "tables")
    site.write(about, tmp_path)
    text = (tmp_path / "site" / "conformance.html").read_text(encoding="utf-8")
    assert "nox -s conform" in text and "data-board" not in text


def test_every_verdict_of_the_stage_has_a_mark() -> None:
    from bench.stages.conform import examined, explaining
    from bench.truth import conformity

    stages = (conformity.SAME, conformity.UP_TO, conformity.DIFFERS, conformity.OTHER)
    others = (explaining.RAISES, explaining.REFUSES, explaining.NOT_OFFERED, examined.VOID)
    words = [word for word, *_ in conformance.VERDICTS]
    assert {*stages, *others, conformance.NOT_RUN} == set(words)
    marks = [mark for _, mark, *_ in conformance.VERDICTS]
    assert len(set(marks)) == len(marks)
    assert json.dumps(marks, ensure_ascii=False).isprintable()
