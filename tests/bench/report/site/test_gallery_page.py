"""The gallery in a browser: overlays, differences, layers and classes."""

from __future__ import annotations

from typing import Any


def colours(tab: Any) -> list[list[int]]:
    """The colours of each picture's upper right pixel, as they are shown."""
    return tab.eval_on_selector_all(
        "[data-pictures] td canvas",
        "all => all.map(c => [...c.getContext('2d').getImageData(c.width - 1, 0, 1, 1).data])",
    )  # type: ignore[no-any-return]


def test_the_gallery_overlays_as_opaque_as_asked_and_keeps_it_in_the_link(
    tab: Any, show: Any
) -> None:
    show("gallery.html#method=saliency&view=map")
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


def test_the_gallery_magnifies_differences_and_says_by_how_much(tab: Any, show: Any) -> None:
    show("gallery.html#method=saliency&view=apart")
    tab.locator("[data-pictures] td canvas").first.wait_for()
    heads = tab.locator("[data-pictures] thead th").all_inner_texts()
    assert len(heads) == 3 and "1e-5 of the peak" in heads[1].replace("1.0e", "1e")
    assert "no difference" in heads[2]


def test_the_gallery_has_layers_and_classes_across(tab: Any, show: Any) -> None:
    show("gallery.html#across=layers")
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
