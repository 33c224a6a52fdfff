"""A cell of agreement or of conformance opens to what was found."""

from __future__ import annotations

from typing import Any


def test_a_cell_of_agreement_opens_to_where_it_parts_and_is_kept_in_the_link(
    tab: Any, show: Any
) -> None:
    show("agreement.html")
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
    assert "worst image" in tab.locator("[data-networks] thead").inner_text()
    assert "image 1" in tab.locator("[data-stages] tbody tr").last.inner_text()
    pairs = tab.locator("[data-pairs] tbody td").all_inner_texts()
    assert pairs == ["", "1.00e-6", "1.00e-6", ""] or pairs == ["", "1e-6", "1e-6", ""]
    assert "what=grad_cam" in tab.url
    link = tab.url
    show("index.html")
    tab.goto(link)
    assert tab.locator("#detail").inner_text() == "grad_cam in jax"


def test_a_verdict_opens_to_its_cause_and_reproducer_and_is_kept_in_the_link(
    tab: Any, show: Any
) -> None:
    show("conformance.html")
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
    show("index.html")
    tab.goto(link)
    assert tab.locator("#detail").inner_text() == title
    assert tab.locator("[data-board] td.chosen").inner_text().split() == ["≠", "differs"]


def test_the_scoreboard_is_filtered_by_framework_library_and_verdict(tab: Any, show: Any) -> None:
    show("conformance.html")
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
