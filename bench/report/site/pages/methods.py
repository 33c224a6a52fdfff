"""The Rosetta stone: a page for each method, its formula and builders side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.report.site import code, formula, of_method
from bench.report.site.material import Material
from bench.report.site.shell import Page
from bench.subject import pages
from bench.subject.pages import CodePage

ORDER = 60
PATH = "methods/index.html"
TITLE = "Methods"
TITLES = {pages.REFERENCE: "NumPy reference", "forward": "NumPy, forward"}
LEAD = (
    "Each method is one file: its formula, the formula executable in float64 NumPy, and what a "
    "skilled user of each framework would write. What is assigned stands in line."
)


def make(material: Material) -> Iterator[Page]:
    """A list of the methods by family, and a page each."""
    found = pages.of_methods()
    yield listed(PATH, TITLE, LEAD, found)
    for page, before, after in neighbours(found):
        sections = list(of_method.parts(material, page.name))
        yield rosetta(f"methods/{page.name}.html", TITLE, page, before, after, sections)


def neighbours(
    found: Sequence[CodePage],
) -> Iterator[tuple[CodePage, CodePage | None, CodePage | None]]:
    """Each page, with the one before and the one after it."""
    whole = [None, *found, None]
    for n, page in enumerate(found):
        yield page, whole[n], whole[n + 2]


def listed(path: str, title: str, lead: str, found: Sequence[CodePage]) -> Page:
    """The list of pages, by group where there are several."""
    groups: dict[str, list[Any]] = {}
    for page in found:
        first = next(formula.paragraphs(page.about)).text
        groups.setdefault(page.group, []).append(
            (page, first.removeprefix(page.title).lstrip(": ,"))
        )
    shown = [(group if len(groups) > 1 else "", mine) for group, mine in groups.items()]
    return Page(path, title, "methods.html", {"heading": title, "lead": lead, "groups": shown})


def rosetta(
    path: str,
    family: str,
    page: CodePage,
    before: CodePage | None,
    after: CodePage | None,
    sections: Sequence[Any] = (),
) -> Page:
    """The page of a file of the Rosetta stone."""
    beside = {name: text for name, text in page.builders.items() if name != "backward"}
    more = []
    if "backward" in page.builders:
        more.append(("Backward, in NumPy, derived by hand", page.builders["backward"]))
    if page.beside:
        more.append(("What they share", page.beside))
    settings_title = "Settings" if page.group == "nodes" else "Options"
    context = {
        "code": page, "family": family, "about": list(formula.paragraphs(page.about)),
        "beside": list(beside), "steps": code.aligned(beside), "titles": TITLES,
        "more": [(title, code.coloured(text)) for title, text in more], "coloured": code.coloured,
        "settings_title": settings_title, "before": before, "after": after, "sections": sections,
        "has_meaning": any(each.meaning for each in page.settings),
    }  # fmt: skip
    return Page(path, page.title, "method.html", context)
