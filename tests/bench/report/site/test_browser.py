"""The pages in a real browser, from disk and with the network off."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.record.runs import RESULTS
from bench.report.site import cells
from bench.report.site.pages import choose
from bench.report.site.shell import Shell

sync_api = pytest.importorskip("playwright.sync_api", reason="no playwright: nox -s site")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here (Debian: chromium)")
WIDTHS = (390, 800, 1400)
THEMES = ("light", "dark")
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
PUBLISHED = sorted(str(p.relative_to(RESULTS / "site")) for p in RESULTS.glob("site/**/*.html"))
INTERACTIVE_S = 2.0
SELECTED_MS = 200.0


@pytest.fixture(scope="module", name="browser")
def chromium() -> Iterator[Any]:
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


def opened(tab: Any, folder: Path, name: str) -> Any:
    path, _, place = name.partition("#")
    tab.goto((folder / path).as_uri() + (f"#{place}" if place else ""))
    return tab


@pytest.mark.parametrize("name", SAMPLE)
def test_a_page_opens_from_disk_at_every_width_in_both_themes(
    tab: Any, folder: Path, name: str
) -> None:
    for width, theme in itertools.product(WIDTHS, THEMES):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=theme)
        opened(tab, folder, name)
        assert tab.evaluate("document.documentElement.dataset.theme") == theme
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        assert tab.locator("main h1").count() == 1


def is_accessible(tab: Any, axe: Any) -> None:
    """No violation at any width in either theme, of the page as it is now."""
    for width, theme in itertools.product(WIDTHS, THEMES):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=theme)
        tab.wait_for_function(f"document.documentElement.dataset.theme === '{theme}'")
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, (width, theme)
        options = {"preload": False, "resultTypes": ["violations"]}
        found = axe.run(tab, options=options).response["violations"]
        told = [(each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in found]
        assert not told, (width, theme)


@pytest.fixture(name="axe", scope="module")
def axe_of_package() -> Any:
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe").Axe()


@pytest.mark.parametrize("name", SAMPLE)
def test_no_axe_violation(tab: Any, axe: Any, folder: Path, name: str) -> None:
    opened(tab, folder, name)
    is_accessible(tab, axe)


@pytest.mark.parametrize("name", OPENED)
def test_no_axe_violation_in_what_opens(tab: Any, axe: Any, folder: Path, name: str) -> None:
    opened(tab, folder, name)
    if OPENED[name]:
        tab.locator(OPENED[name]).first.click()
        assert tab.locator("[data-detail]").is_visible()
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    is_accessible(tab, axe)


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_axe_violation_in_what_is_published(tab: Any, axe: Any, name: str) -> None:
    opened(tab, RESULTS / "site", name)
    is_accessible(tab, axe)


@pytest.mark.parametrize("name", ["index.html", "choose.html", "contrast.html", "gallery.html"])
def test_a_published_page_is_soon_interactive(tab: Any, name: str) -> None:
    took = []
    for _ in range(3):
        opened(tab, RESULTS / "site", name)
        took.append(tab.evaluate("performance.getEntriesByType('navigation')[0].domComplete"))
    assert min(took) / 1000 < INTERACTIVE_S


def test_the_theme_is_chosen_by_a_button(tab: Any, folder: Path) -> None:
    opened(tab, folder, "choose.html")
    before = tab.evaluate("document.documentElement.dataset.theme")
    tab.get_by_role("button", name="Light or dark").click()
    assert tab.evaluate("document.documentElement.dataset.theme") != before


def test_a_table_sorts_by_its_headings_with_the_keyboard(tab: Any, folder: Path) -> None:
    opened(tab, folder, "tables/choose.html")
    table = tab.locator("table[data-sortable]").first
    heading = table.get_by_role("button", name="jax", exact=True)
    orders = []
    for _ in range(2):
        heading.focus()
        tab.keyboard.press("Enter")
        cells = table.locator("tbody td:nth-of-type(1)").all_inner_texts()
        orders.append([float(text.split()[0]) for text in cells if text[:1].isdigit()])
    assert orders[0] == sorted(orders[0]) and orders[1] == sorted(orders[1], reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1


def test_a_selection_decides_the_tables_and_is_kept_in_the_link(tab: Any, folder: Path) -> None:
    opened(tab, folder, "choose.html")
    tab.locator("select[name=batch]").select_option("1")
    tab.locator("select[name=mode]").select_option("eager")
    said = tab.locator("[data-sentence]").inner_text()
    assert "pytorch, eager, takes 20.2 ms an image" in said and "1 image a call" in said
    link = tab.url
    assert "batch=1" in link and "mode=eager" in link
    opened(tab, folder, "index.html")
    tab.goto(link)
    assert tab.locator("select[name=batch]").input_value() == "1"
    assert tab.locator("[data-sentence]").inner_text() == said
    modes = tab.locator("[data-cells] tbody tr td:nth-child(3)").all_inner_texts()
    assert modes and set(modes) == {"eager"}


def test_colour_stands_only_where_a_difference_is_real_and_reasons_are_text(
    tab: Any, folder: Path
) -> None:
    opened(tab, folder, "choose.html#find=grad_cam&batch=64&mode=eager")
    best = tab.locator("[data-matrix] td.best")
    assert best.count() == 1 and "0.316" in best.inner_text()
    assert tab.locator("[data-matrix] td.far").count() >= 1
    opened(tab, folder, "choose.html#mode=tuned&batch=64")
    why = tab.locator("[data-matrix] td.gone").first
    why.locator("summary").click()
    assert "<b>no</b> such mode here" in why.inner_text()


def test_charts_are_drawn_and_drawn_again_in_the_other_theme(tab: Any, folder: Path) -> None:
    opened(tab, folder, "choose.html")
    for name in ("batches", "jit", "forward"):
        place = tab.locator(f"#chart-{name}")
        place.scroll_into_view_if_needed()
        place.locator("svg.marks").wait_for()
        assert place.locator("svg.marks path").count() > 3
    tab.get_by_role("button", name="Light or dark").click()
    tab.locator("#chart-forward svg.marks").wait_for()


def test_builders_are_shown_as_chosen_and_copied_whole(tab: Any, folder: Path) -> None:
    opened(tab, folder, "methods/grad_cam.html")
    tab.get_by_role("checkbox", name="keras").uncheck()
    assert not tab.locator("pre[data-column=keras]").first.is_visible()
    assert tab.locator("pre[data-column=jax]").first.is_visible()
    assert "show=" in tab.url
    source = tab.evaluate("document.getElementById('source-jax').content.textContent")
    assert source.startswith("def jax(") and "return compile(explain)" in source


def test_a_cell_of_agreement_opens_to_where_it_parts_and_is_kept_in_the_link(
    tab: Any, folder: Path
) -> None:
    opened(tab, folder, "agreement.html")
    assert "2 of 2 methods in columns pass" in tab.locator("[data-told]").inner_text()
    assert not tab.locator("[data-detail]").is_visible()
    tab.locator("[data-matrix] button.open").first.focus()
    tab.keyboard.press("Enter")
    assert tab.locator("#detail").inner_text() == "grad_cam in jax"
    assert tab.evaluate("document.activeElement.id") == "detail"
    stages = tab.locator("[data-stages] tbody th").all_inner_texts()
    assert stages == ["activations", "signed", "heatmap"]
    told = tab.locator("[data-detail-told]").inner_text()
    assert "The worst image is 1 of cnn-gap on digits" in told and "a kink 1e-9 away" in told
    pairs = tab.locator("[data-pairs] tbody td").all_inner_texts()
    assert pairs == ["", "1.00e-6", "1.00e-6", ""] or pairs == ["", "1e-6", "1e-6", ""]
    assert "what=grad_cam" in tab.url
    link = tab.url
    opened(tab, folder, "index.html")
    tab.goto(link)
    assert tab.locator("#detail").inner_text() == "grad_cam in jax"


def test_a_verdict_opens_to_its_cause_and_reproducer_and_is_kept_in_the_link(
    tab: Any, folder: Path
) -> None:
    opened(tab, folder, "conformance.html")
    said = tab.locator("[data-told]").inner_text()
    assert said.startswith("3 explainers in 4 runs with a verdict: 2 give the oracle's map")
    assert not tab.locator("[data-detail]").is_visible()
    tab.locator("[data-board] button[tabindex='0']").focus()  # the first line's base
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Enter")
    title = "captum.layer_grad_cam in pytorch, reused host"
    assert tab.locator("#detail").inner_text() == title
    assert tab.evaluate("document.activeElement.id") == "detail"
    facts = tab.locator("[data-facts]").inner_text()
    for fact in ("pairing <b>x</b>", "weights", "0.250", "differs, silent", "reused host"):
        assert fact in facts
    shown = tab.locator("[data-source]").text_content()
    assert "# <b>not bold</b>  [31m" in shown and shown.count("\n") == 3
    tab.locator("[data-copy-source]").click()
    tab.get_by_role("button", name="copied", exact=True).wait_for()
    tab.get_by_role("button", name="Back to the cell").click()
    assert "differs: captum" in tab.evaluate("document.activeElement.ariaLabel")
    link = tab.url
    opened(tab, folder, "index.html")
    tab.goto(link)
    assert tab.locator("#detail").inner_text() == title
    assert tab.locator("[data-board] td.chosen").inner_text().split() == ["≠", "differs"]


def test_the_scoreboard_is_filtered_by_framework_library_and_verdict(
    tab: Any, folder: Path
) -> None:
    opened(tab, folder, "conformance.html")
    lines = tab.locator("[data-board] tbody tr")
    assert lines.count() == 3
    why = lines.nth(1).get_by_role("button", name="not run: torchcam.ss_cam")
    why.click()
    assert "<b>no</b> such mode here" in tab.locator("[data-facts]").inner_text()
    tab.locator("select[name=framework]").select_option("pytorch")
    tab.locator("select[name=verdict]").select_option("differs")
    assert lines.count() == 1 and "captum" in lines.inner_text()
    assert not tab.locator("[data-detail]").is_visible()
    cells = tab.locator("[data-board] tbody td").all_inner_texts()
    assert [cell.split() for cell in cells] == [
        ["≈", "same", "up", "to"],
        ["≠", "differs"],
        ["=", "♪", "same"],
    ]
    counted = tab.locator("[data-counts] tbody tr").all_inner_texts()
    assert [line.split()[:5] for line in counted] == [["captum", "pytorch", "0.9.0", "1", "3"]]
    assert "framework=pytorch" in tab.url and "verdict=differs" in tab.url
    tab.locator("select[name=verdict]").select_option("all")
    tab.locator("select[name=framework]").select_option("jax")
    assert "this suite" in tab.locator("select[name=library]").inner_text()


def test_training_shows_the_column_that_is_picked(tab: Any, folder: Path) -> None:
    opened(tab, folder, "training.html#optimizer=native")
    said = tab.locator("[data-told]").inner_text()
    assert "native" in said and "90.00 %" in said
    tab.locator("select[name=column]").select_option("pytorch")
    assert tab.locator("[data-classes-title]").inner_text() == "Class by class, pytorch"
    assert tab.locator("[data-classes] tbody tr").count() == 2
    for name in ("losses", "confusion"):
        place = tab.locator(f"#chart-{name}")
        place.scroll_into_view_if_needed()
        place.locator("svg.marks path").first.wait_for()
    assert "column=pytorch" in tab.url and "optimizer=native" in tab.url


def test_contrast_tells_the_first_by_the_score_that_is_chosen(tab: Any, folder: Path) -> None:
    opened(tab, folder, "contrast.html#metric=pointing_game")
    said = tab.locator("[data-told]")
    assert "grad_cam is first with 0.800 (0.400–1.00)" in said.inner_text()
    assert "Fewer than 30 images" in said.inner_text()
    tab.locator("select[name=metric]").select_option("deletion")  # lower is better
    assert "saliency is first with 0.400" in said.inner_text()
    assert "metric=deletion" in tab.url
    tab.locator("#chart-frontier svg.marks path").first.wait_for()
    first = tab.locator("[data-scores] tbody th").all_inner_texts()
    tab.locator("[data-scores] thead button", has_text="score").click()
    assert tab.locator("[data-scores] tbody th").all_inner_texts() == first[::-1]


def colours(tab: Any) -> list[list[int]]:
    """The colours of each picture's upper right pixel, as they are shown."""
    return tab.eval_on_selector_all(
        "[data-pictures] td canvas",
        "all => all.map(c => [...c.getContext('2d').getImageData(c.width - 1, 0, 1, 1).data])",
    )  # type: ignore[no-any-return]


def test_the_gallery_overlays_as_opaque_as_asked_and_keeps_it_in_the_link(
    tab: Any, folder: Path
) -> None:
    opened(tab, folder, "gallery.html#method=saliency&view=map")
    tab.locator("[data-pictures] td canvas").first.wait_for()
    heads = tab.locator("[data-pictures] thead th").all_inner_texts()
    assert heads == ["image", "oracle", "jax", "pytorch"]
    assert colours(tab)[0][:3] == [0x67, 0, 0x1F]  # the peak, red
    tab.locator("select[name=view]").select_option("overlay")
    slider = tab.locator("input[name=opacity]")
    seen = []
    for value in ("0", "100"):
        slider.fill(value)
        tab.wait_for_function(f"location.hash.includes('opacity={value}')")
        seen.append(colours(tab)[0])
    grey = seen[0][:3]
    assert max(grey) - min(grey) <= 1 and seen[1][0] > seen[1][1]
    tab.goto(tab.url + "&class=disc")
    tab.reload()
    tab.locator("[data-pictures] td").first.wait_for()
    assert tab.locator("[data-pictures] tbody tr").count() == 1
    assert "opacity=100" in tab.url and "no evidence" in tab.locator("tbody").inner_text()


def test_the_gallery_magnifies_differences_and_says_by_how_much(tab: Any, folder: Path) -> None:
    opened(tab, folder, "gallery.html#method=saliency&view=apart")
    tab.locator("[data-pictures] td canvas").first.wait_for()
    heads = tab.locator("[data-pictures] thead th").all_inner_texts()
    assert len(heads) == 3 and "1e-5 of the peak" in heads[1].replace("1.0e", "1e")
    assert "no difference" in heads[2]


def test_the_gallery_has_layers_and_classes_across(tab: Any, folder: Path) -> None:
    opened(tab, folder, "gallery.html#across=layers")
    tab.locator("[data-pictures] td canvas").first.wait_for()
    heads = tab.locator("[data-pictures] thead th").all_inner_texts()
    assert heads == ["image", "relu1", "relu4"]
    assert tab.locator("option[value=apart]").is_disabled()
    tab.locator("select[name=layer]").select_option("relu4")
    tab.wait_for_function("location.hash.includes('layer=relu4')")
    assert tab.locator("[data-pictures] thead th").all_inner_texts() == ["image", "relu4"]
    tab.locator("select[name=across]").select_option("classes")
    tab.wait_for_function("location.hash.includes('across=classes')")
    heads = tab.locator("[data-pictures] thead th").all_inner_texts()
    assert heads == ["image", "triangle", "class 10", "strongest but 2"]
    # What is of each image's own second class says which that is.
    words = tab.locator("[data-pictures] tbody tr td:last-child").all_inner_texts()
    assert [word.split()[-1] for word in words] == ["square", "cross"]
    assert "grad_cam of every class" in tab.locator("[data-told]").inner_text()


def test_the_keyboard_reaches_everything_that_can_be_chosen(tab: Any, folder: Path) -> None:
    opened(tab, folder, "choose.html")
    reached = set()
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.add(
            tab.evaluate("document.activeElement.name || document.activeElement.textContent")
        )
    assert {"device", "network", "batch", "mode", "find", "Copy link", "Choose"} <= reached


def test_a_selection_is_saved_for_spreadsheets(tab: Any, folder: Path) -> None:
    opened(tab, folder, "choose.html")
    with tab.expect_download() as got:
        tab.locator("[data-csv]").click()
    lines = Path(got.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) > 3 and any("grad_cam" in line for line in lines[1:])
    assert not any("NaN" in line for line in lines)


CHOSEN = """async (network) => {
  const select = document.querySelector("select[name=network]"), began = performance.now();
  select.value = network;
  select.dispatchEvent(new Event("change"));
  document.body.getBoundingClientRect();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - began;
}"""


def test_a_hundred_thousand_rows_are_selected_from_at_once(
    tab: Any, material: Any, rows: list[Any], tmp_path: Path
) -> None:
    about = material(rows, tmp_path)
    line = about.cells[about.cells["mode"] == "compiled"].to_dict("records")[0]
    many = [
        {**line, "what": f"m{n % 40}", "method": f"m{n % 40}", "column": f"c{n % 5}",
         "mode": ("eager", "compiled")[n % 2], "batch": 2 ** (n % 8), "layer": f"relu{n % 9}",
         "architecture": f"a{n // 1000}", "ms_per_image": 1.0 + n % 17}
        for n in range(100_000)
    ]  # fmt: skip
    about.__dict__["cells"] = pd.DataFrame(many, columns=list(cells.TOLD))
    shell = Shell(tmp_path / "site", [])
    shell.assets()
    for page in choose.make(about):
        shell.write(page)
    opened(tab, tmp_path / "site", "choose.html")
    took = []
    for network in ("a3 on digits", "a70 on digits", "a5 on digits", "a81 on digits"):
        # From the choice until tables, sentence and charts are told, laid out and painted.
        took.append(tab.evaluate(CHOSEN, network))
        assert network in tab.locator("[data-sentence]").inner_text()
    assert sorted(took)[1] < SELECTED_MS, took
