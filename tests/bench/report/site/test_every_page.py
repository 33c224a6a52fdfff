"""Every page in a real browser, from disk and with the network off: `nox -s site`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

SAMPLE = (
    "index.html", "choose.html", "agreement.html", "conformance.html", "contrast.html",
    "gallery.html", "training.html", "own.html",
    "methods/index.html", "methods/grad_cam.html", "methods/lrp.html", "nodes/index.html",
    "nodes/conv.html", "tables/index.html", "tables/choose.html",
)  # fmt: skip
"""A page of each template; that all are whole is tested without a browser."""
OPENED = {
    "agreement.html": "[data-matrix] button.open", "conformance.html": "[data-board] td button",
    "tables/choose.html": "", "methods/grad_cam.html": "", "own.html": "", "choose.html": "",
}  # fmt: skip
"""Pages whose further parts are opened: by a button, and whatever is folded."""
SITE = Path(os.environ.get("WALK", "none")).resolve()
WALKED = sorted(str(path.relative_to(SITE)) for path in SITE.glob("**/*.html"))
INTERACTIVE_S = 2.0


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_opens_from_disk_at_every_width_in_both_themes(
    tab: Any, show: Any, sights: Any, name: str
) -> None:
    for _ in sights(lambda: show(name)):
        assert tab.locator("main h1").count() == 1


@pytest.mark.parametrize("name", SAMPLE)
def test_no_axe_violation(show: Any, accessible: Any, name: str) -> None:
    show(name)
    accessible()


@pytest.mark.parametrize("name", OPENED)
def test_no_axe_violation_in_what_opens(tab: Any, show: Any, accessible: Any, name: str) -> None:
    show(name)
    if OPENED[name]:
        tab.locator(OPENED[name]).first.click()
        assert tab.locator("[data-detail]").is_visible()
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    accessible()


@pytest.mark.parametrize("name", WALKED)
def test_a_page_opens_and_axe_finds_nothing(show: Any, accessible: Any, name: str) -> None:
    accessible(lambda: show(name, SITE))


@pytest.mark.parametrize("name", WALKED)
def test_a_page_is_soon_interactive(tab: Any, show: Any, name: str) -> None:
    took = []
    for _ in range(2):
        show(name, SITE)
        took.append(tab.evaluate("performance.getEntriesByType('navigation')[0].domComplete"))
    assert min(took) / 1000 < INTERACTIVE_S
