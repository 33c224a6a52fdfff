from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import report
from bench.report import files, site
from bench.report.site.material import Material
from implementations.architecture import weights

Row = dict[str, Any]
REASON = "<b>no</b> such mode here"
REPRODUCER = "captum-0.9.0-layer_grad_cam-reused_host.py"
SOURCE = '"""It differs."""\nfound = [1, 2]  # <b>not bold</b> \x1b[31m\nprint("found", found)\n'
"""What stands in that file: with markup, and what moves a cursor."""


def all_rows(make: Any) -> list[Row]:
    """Rows of every stage: two columns, two batches, two modes, a reason, a library."""
    forward = {"task": "forward", "method": "", "layer": ""}
    found = []
    for column, ms in (("jax", 30.0), ("pytorch", 20.0)):
        for batch in (1, 64):
            common = {"batch": batch, "evaluations": 1.0}
            found += make.times(column, [ms, ms * 1.01, ms * 1.02], **common)
            found += make.times(column, [ms / 2] * 3, mode="compiled", compile_s=1.0, **common)
            found += make.times(column, [ms / 4] * 3, **{**common, **forward})
        for compared in ("activations", "signed", "heatmap"):
            found.append(make.agree(column, compared, kinks=[[1, 0.1, 1e-9, 0.0]], worst_image=1))
        for optimizer in ("matched", "native"):
            found += make.epochs(column, [[2.0, 1.5], [1.0, 0.9]], optimizer=optimizer)
    found += make.times("pytorch", [25.0] * 3, library="captum", method="layer_grad_cam", batch=64)
    for column, ms in (("jax", 9.0), ("pytorch", 90.0)):
        found += make.times(column, [ms], method="saliency", layer="", batch=64)
    absent = {"status": "skipped", "reason": REASON, "median_ms": None, "mode": "tuned"}
    found += [make.row("time", "pytorch", batch=64, **absent)]
    for method, value in (("grad_cam", 0.8), ("saliency", 0.4)):
        found.append(make.row("contrast", "jax", method=method, evaluations=1, n_images=8))
        for metric in ("pointing_game", "deletion"):
            quality = {"metric": metric, "value": value, "ci_lo": value / 2, "ci_hi": 1.0, "n": 8}
            for subset in ("all", "correct", "wrong"):
                found.append(make.row("contrast", "jax", method=method, subset=subset, **quality))
    alike = {"metric": "spearman", "value": 0.3, "n": 8, "against": "saliency"}
    found.append(make.row("contrast", "jax", task="likeness", **alike))
    seeds = {"weights": "jax seed 0", "against": "pytorch seed 0", "metric": "spearman"}
    found.append(make.row("train", "jax", task="likeness", value=0.5, n=3, **seeds))
    return [*found, *conformed(make)]


def conformed(make: Any) -> list[Row]:
    """Rows of conformance: a library's offer with three runs, another that did not run, our own."""

    def run(column: str, condition: str, verdict: str, **values: Any) -> Row:
        same = {"dataset": "probes", "architecture": "probes", "layer": "", "weights": "probes"}
        same |= {"host": "plain", "probe": "base", "inputs": "given", "node": "relu2", "batch": 0}
        said = {"condition": condition, "verdict": verdict, "heard": "silent", "size": 1e-8}
        return make.row("conform", column, **same | said | values)

    offer = {"library": "captum", "method": "layer_grad_cam", "version": "0.9.0"}
    up_to = {"conventions": "rectify none", "first": "heatmap"}
    unlike = {"host": "reused", "first": "weights", "size": 0.25, "conventions": "pairing <b>x</b>"}
    failed = {"library": "torchcam", "method": "ss_cam", "status": "failed", "reason": REASON}
    return [
        run("pytorch", "base", "same up to", **offer, **up_to),
        run("pytorch", "reused host", "differs", **offer, **unlike, reproducer=REPRODUCER),
        run("pytorch", "probe norm", "same", **offer, probe="norm", heard="loud", notes=REASON),
        make.row("conform", "pytorch", **{"dataset": "probes", "architecture": "probes"} | failed),
        run("jax", "base", "same", host="own"),
    ]


@pytest.fixture(scope="session")
def rows(make: Any) -> list[Row]:
    return all_rows(make)


@pytest.fixture(scope="session")
def material(make: Any) -> Callable[..., Material]:
    """What the site of some rows is made of; their tables lie in the folder."""

    def of(found: list[Row], folder: Path) -> Material:
        runs = [(make.head, make.described(found))]
        frame = make.frame(found)
        made = report.make(runs, frame)
        for table, foot in made:
            files.write_table(table, foot, folder / "tables")
        named = {table.name: (table, foot) for table, foot in made}
        reproducers = folder / "reproducers"
        reproducers.mkdir(parents=True, exist_ok=True)
        (reproducers / REPRODUCER).write_text(SOURCE, encoding="utf-8")
        kept = [maps(make, folder)]
        return Material(frame, [make.head], named, folder / "tables", kept, reproducers=reproducers)

    return of


def maps(make: Any, folder: Path) -> Path:
    """The heatmaps of two images: one of evidence on both sides, one of none."""
    reference = np.zeros((2, 4, 4), np.float32)
    reference[0, 0] = (-1.0, 0.0, 0.5, 2.0)
    apart = reference.copy()
    apart[0, 0, 3] += 2e-5
    arrays = {
        "shapes/cnn-gap/images": np.linspace(0, 1, 32, dtype=np.float32).reshape(2, 4, 4, 1),
        "shapes/cnn-gap/targets": np.array([2, 0], np.int32),
        "shapes/cnn-gap/saliency/reference": reference,
        "shapes/cnn-gap/saliency/jax": apart,
        "shapes/cnn-gap/saliency/pytorch": reference,
        "shapes/cnn-gap/grad_cam/reference": np.abs(reference),
        "shapes/cnn-gap/ranks": np.array([[2, 1], [0, 3]], np.int32),
        "shapes/cnn-gap/grad_cam@00.relu1/reference": np.abs(reference),
        "shapes/cnn-gap/grad_cam@10.relu4/reference": 2 * np.abs(reference),
        "shapes/cnn-gap/grad_cam#10/reference": np.abs(reference),
        "shapes/cnn-gap/grad_cam#2/reference": np.abs(reference),
        "shapes/cnn-gap/grad_cam#top2/reference": reference,
    }
    path = folder / f"{make.head['run_id']}.safetensors"
    weights.save(path, arrays)
    return path


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, rows: list[Row], material: Any) -> list[Path]:
    """The files of the site of `rows`."""
    if reason := site.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("results")
    return site.write(material(rows, folder), folder)


@pytest.fixture(scope="session")
def folder(written: list[Path]) -> Path:
    """Where that site lies."""
    return written[0].parent.parent


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (390, 800, 1400)
THEMES = ("light", "dark")


@pytest.fixture(scope="session", name="browser")
def chromium() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: nox -s site")
    if not CHROMIUM:
        pytest.skip("no Chromium here (Debian: chromium)")
    with sync_api.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(name="tab")
def tab_offline(browser: Any) -> Iterator[Any]:
    """A tab without a network, in which nothing may go wrong."""
    context = browser.new_context(offline=True, viewport={"width": 1400, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    yield page
    context.close()
    assert not wrong


Shows = Callable[..., None]
Sights = Callable[..., Iterator[tuple[int, str]]]


@pytest.fixture(name="show")
def shown_from_disk(tab: Any, request: pytest.FixtureRequest) -> Shows:
    """Opens a page of the site of `rows`, or of another folder, by its name and place."""

    def opened(name: str, where: Path | None = None) -> None:
        path, _, place = name.partition("#")
        folder = where or request.getfixturevalue("folder")
        tab.goto((folder / path).as_uri() + (f"#{place}" if place else ""))

    return opened


@pytest.fixture(name="sights")
def widths_and_themes(tab: Any) -> Sights:
    """Gives a page every width, opened anew by `again`, in both themes; no bar to scroll it by."""

    def each(again: Callable[[], None] | None = None) -> Iterator[tuple[int, str]]:
        for width, theme in itertools.product(WIDTHS, THEMES):
            tab.set_viewport_size({"width": width, "height": 900})
            tab.emulate_media(color_scheme=theme)
            if again and theme == THEMES[0]:
                again()
            tab.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
            assert tab.evaluate("document.documentElement.scrollWidth") <= width, (width, theme)
            yield width, theme

    return each


@pytest.fixture(name="accessible")
def axe_finds_nothing(tab: Any, sights: Any) -> Callable[..., None]:
    """Holds the page as it is now to axe, at every width in both themes."""
    if not os.environ.get("WALK"):
        pytest.skip("the browser walks the pages in nox -s site")
    package = "axe_playwright_python.sync_playwright"
    axe = pytest.importorskip(package, reason="no axe: nox -s site").Axe()

    def held(again: Callable[[], None] | None = None) -> None:
        for sight in sights(again):
            options = {"preload": False, "resultTypes": ["violations"]}
            found = axe.run(tab, options=options).response["violations"]
            told = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]])
                    for each in found]  # fmt: skip
            assert not told, sight

    return held
