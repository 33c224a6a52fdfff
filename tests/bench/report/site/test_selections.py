"""Training, contrast and code as they are picked."""

from __future__ import annotations

from typing import Any


def test_training_shows_the_column_that_is_picked(tab: Any, show: Any) -> None:
    show("training.html#optimizer=native")
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


def test_contrast_tells_the_first_by_the_score_that_is_chosen(tab: Any, show: Any) -> None:
    show("contrast.html#metric=pointing_game")
    said = tab.locator("[data-told]")
    assert "grad_cam is first with 0.800 (0.400–1.00)" in said.inner_text()
    assert "Fewer than 30 images" in said.inner_text()
    tab.locator("select[name=metric]").select_option("deletion")  # lower is better
    assert "saliency is first with 0.400" in said.inner_text()
    assert "metric=deletion" in tab.url
    tab.locator("#chart-frontier svg.marks path").first.wait_for()
    first = tab.locator("[data-scores] tbody th").all_inner_texts()
    tab.locator("[data-scores] thead th", has_text="score").click()
    tab.locator("[data-scores] th[aria-sort=descending]").wait_for()
    assert tab.locator("[data-scores] tbody th").all_inner_texts() == first[::-1]


def test_builders_are_shown_as_chosen_and_copied_whole(tab: Any, show: Any) -> None:
    show("methods/grad_cam.html")
    tab.get_by_role("checkbox", name="keras").uncheck()
    assert not tab.locator("pre[data-column=keras]").first.is_visible()
    assert tab.locator("pre[data-column=jax]").first.is_visible()
    assert "show=" in tab.url
    source = tab.evaluate("document.getElementById('source-jax').content.textContent")
    assert source.startswith("def jax(") and "return compile(explain)" in source
