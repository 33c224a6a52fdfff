"""Whatever rows, files and classes are called is text in a browser, and in what it saves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.report import site
from bench.report.site import trained

HOSTILE = "=1+1<img src=x onerror=alert(1)>&\"'{{7*7}}</script><b>\x1b[31m\u202e"
SEEN = "=1+1<img src=x onerror=alert(1)>&\"'{{7*7}}</script><b>"
"""What is shown of it: all but what moves a cursor or turns the direction of writing."""


@pytest.fixture(scope="module", name="hostile")
def hostile_site(
    rows: list[dict[str, Any]], material: Any, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    if reason := site.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("hostile")
    names = {"architecture": HOSTILE, "layer": HOSTILE, "reason": HOSTILE, "notes": HOSTILE}
    about = material([{**row, **names} for row in rows], folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trained, "class_names", lambda dataset: [HOSTILE, "another"])
        site.write(about, folder)
    return folder / "site"


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("index.html", ""), ("choose.html#mode=tuned&batch=64", "[data-matrix] summary"),
        ("agreement.html", "[data-matrix] button.open"),
        ("conformance.html", "[data-board] [aria-label^='not run']"),
        ("contrast.html", ""), ("training.html", ""), ("tables/choose.html", ""),
    ],
)  # fmt: skip
def test_what_a_row_holds_is_shown_as_it_is(
    tab: Any, show: Any, hostile: Path, name: str, opens: str
) -> None:
    show(name, hostile)
    if opens:
        tab.locator(opens).first.click()
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert tab.locator("main img[src=x], main b").count() == 0
    text = tab.locator("main").evaluate("(main) => main.textContent")
    assert SEEN in text
    assert "\x1b" not in text and "\u202e" not in text


def test_what_a_browser_saves_has_no_formula(tab: Any, show: Any, hostile: Path) -> None:
    show("choose.html", hostile)
    with tab.expect_download() as got:
        tab.locator("[data-csv]").click()
    text = Path(got.value.path()).read_text(encoding="utf-8")
    assert "\"'=1+1" in text and '"=1+1' not in text and "\x1b" not in text
