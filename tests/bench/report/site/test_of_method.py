from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.report.site.of_method import Part, parts


@pytest.fixture(scope="module", name="found")
def parts_of_grad_cam(
    rows: list[Any], material: Any, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Part]:
    folder: Path = tmp_path_factory.mktemp("parts")
    return {part.id: part for part in parts(material(rows, folder), "grad_cam")}


def test_a_page_has_what_was_measured_of_its_method(found: dict[str, Part]) -> None:
    assert list(found) == ["agreement", "speed", "pictures"]
    (grid,) = found["agreement"].grids
    assert grid.heads[1:] == ["jax", "pytorch"]
    assert (
        grid.lines
        == [
            [
                ("cpu, float32, trained", False),
                ("100 % (5.00e-07)", False),
                ("100 % (5.00e-07)", False),
            ]
        ]
        or "5e-07" in grid.lines[0][1][0]
    )


def test_the_quickest_comes_first_and_libraries_stand_beside_it(found: dict[str, Part]) -> None:
    (grid,) = found["speed"].grids
    lines = [[text for text, _ in line] for line in grid.lines]
    assert [line[:3] for line in lines] == [
        ["grad_cam", "pytorch", "compiled"], ["grad_cam", "jax", "compiled"],
        ["captum.layer_grad_cam", "pytorch", "eager"],
    ]  # fmt: skip
    assert lines[0][4] == "" and lines[1][4] == "×1.50"
    assert "batch 64" in found["speed"].told


def test_pictures_are_of_the_networks_that_have_them(found: dict[str, Part]) -> None:
    ((name, address),) = found["pictures"].pictures
    assert name == "cnn-gap on shapes" and address.startswith("data:image/png;base64,")
    assert "method=grad_cam" in found["pictures"].link[0]


def test_nothing_measured_has_no_part(make: Any, material: Any, tmp_path: Path) -> None:
    assert [part.id for part in parts(material([], tmp_path), "rise")] == []
