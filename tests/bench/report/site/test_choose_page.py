"""The page on which people choose, and what all pages share, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def test_the_theme_is_chosen_by_a_button(tab: Any, show: Any) -> None:
    show("choose.html")
    before = tab.evaluate("document.documentElement.dataset.theme")
    tab.get_by_role("button", name="Light or dark").click()
    assert tab.evaluate("document.documentElement.dataset.theme") != before


def test_a_table_sorts_by_its_headings_with_the_keyboard(tab: Any, show: Any) -> None:
    show("tables/choose.html")
    table = tab.locator("table[data-sortable]").first
    heading = table.get_by_role("button", name="jax: Activate to")
    orders = []
    for way in ("ascending", "descending"):
        heading.first.focus()
        tab.keyboard.press("Enter")
        table.locator(f"th[aria-sort={way}]").wait_for()
        cells = table.locator("tbody td:nth-of-type(1)").all_inner_texts()
        orders.append([float(text.split()[0]) for text in cells if text[:1].isdigit()])
    assert orders[0] == sorted(orders[0]) and orders[1] == sorted(orders[1], reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1


def test_a_selection_decides_the_tables_and_is_kept_in_the_link(tab: Any, show: Any) -> None:
    show("choose.html")
    tab.locator("select[name=batch]").select_option("1")
    tab.locator("select[name=mode]").select_option("eager")
    said = tab.locator("[data-sentence]").inner_text()
    assert "pytorch, eager, takes 20.2 ms an image" in said and "1 image a call" in said
    tab.locator("[data-cells] thead th", has_text="column").click()
    tab.wait_for_function("location.hash.includes('sort=column')")
    order = tab.locator("[data-cells] tbody tr").all_inner_texts()
    link = tab.url
    assert "batch=1" in link and "mode=eager" in link
    show("index.html")
    tab.goto(link)
    assert tab.locator("select[name=batch]").input_value() == "1"
    assert tab.locator("[data-sentence]").inner_text() == said
    modes = tab.locator("[data-cells] tbody tr td:nth-child(3)").all_inner_texts()
    assert modes and set(modes) == {"eager"}
    assert tab.locator("[data-cells] tbody tr").all_inner_texts() == order
    assert tab.locator("[data-cells] th[aria-sort=ascending]").inner_text() == "column"


def test_colour_stands_only_where_a_difference_is_real_and_reasons_are_text(
    tab: Any, show: Any
) -> None:
    show("choose.html#find=grad_cam&batch=64&mode=eager")
    best = tab.locator("[data-matrix] td.best")
    assert best.count() == 1 and "0.316" in best.inner_text()
    assert tab.locator("[data-matrix] td.far").count() >= 1
    show("choose.html#mode=tuned&batch=64")
    why = tab.locator("[data-matrix] td.gone").first
    why.locator("summary").click()
    assert "<b>no</b> such mode here" in why.inner_text()


def test_one_process_has_no_interval_and_so_no_colour(tab: Any, show: Any) -> None:
    show("choose.html#batch=64&mode=eager")
    single = tab.locator("[data-matrix] td", has_text="one process").filter(has_text="×")
    assert single.count() >= 1 and "≈" in single.first.inner_text()
    assert tab.locator("[data-matrix] td.best, [data-matrix] td.far").filter(
        has_text="one process"
    ).filter(has_text="×").count() == 0  # fmt: skip


def test_charts_are_drawn_and_drawn_again_in_the_other_theme(tab: Any, show: Any) -> None:
    show("choose.html")
    for name in ("batches", "price", "jit", "forward"):
        place = tab.locator(f"#chart-{name}")
        place.scroll_into_view_if_needed()
        place.locator("svg.marks").wait_for()
        assert place.locator("svg.marks path").count() > 3
    tab.locator("#chart-jit ~ [data-numbers] summary").click()
    lines = tab.locator("#chart-jit ~ [data-numbers] tbody tr")
    lines.first.wait_for()
    assert lines.count() == 4 and "jax" in lines.first.inner_text()
    tab.get_by_role("button", name="Light or dark").click()
    tab.locator("#chart-forward svg.marks").wait_for()


def test_the_keyboard_reaches_everything_that_can_be_chosen(tab: Any, show: Any) -> None:
    show("choose.html")
    reached = set()
    for _ in range(40):
        tab.keyboard.press("Tab")
        reached.add(
            tab.evaluate("document.activeElement.name || document.activeElement.textContent")
        )
    assert {"device", "network", "batch", "mode", "find", "Copy link", "Choose"} <= reached


def test_a_selection_is_saved_for_spreadsheets(tab: Any, show: Any) -> None:
    show("choose.html")
    with tab.expect_download() as got:
        tab.locator("[data-csv]").click()
    lines = Path(got.value.path()).read_text(encoding="utf-8").splitlines()
    assert len(lines) > 3 and any("grad_cam" in line for line in lines[1:])
    assert not any("NaN" in line for line in lines)
