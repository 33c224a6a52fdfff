"""The pages people open: a static site of the tables and rows, which works from disk.

A page, or a family of pages, is one file in `pages/`, found by its name: `ORDER` is its place in
the navigation, `TITLE` what it is called there, and `make` gives its pages.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from bench.report.site.material import Material
from bench.report.site.shell import Shell

FOLDER = "site"
NEEDED = ("jinja2", "altair", "vl_convert", "pygments", "latex2mathml", "itables")


def missing() -> str | None:
    """Why no pages can be made here, or None."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    return f"{', '.join(absent)} not installed" if absent else None


def write(material: Material, results: Path) -> list[Path]:
    """Every page, with what it needs, into `results/site`. Returns the files written."""
    families = list(modules())
    shell = Shell(results / FOLDER, [(each.PATH, each.TITLE) for each in families])
    shell.assets()
    for family in families:
        for page in family.make(material):
            shell.write(page)
    return shell.written


def modules() -> Iterator[ModuleType]:
    """The modules of `pages`, in the order of the navigation."""
    names = [path.stem for path in (Path(__file__).parent / "pages").glob("[a-z]*.py")]
    found = [importlib.import_module(f"{__name__}.pages.{name}") for name in sorted(names)]
    yield from sorted(found, key=lambda module: int(module.ORDER))
