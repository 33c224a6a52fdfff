from __future__ import annotations

from typing import Any

import pytest

from bench.record.cell import Cell
from bench.stages.time import matrix
from bench.subject.names import pick_columns
from bench.subject.request import GRIDS, Request
from implementations import libraries, methods
from implementations.architecture import registered
from implementations.errors import BadInput

SMALL = [("digits", registered.get(name), "random") for name in ("cnn-48-32-16", "cnn-gap")]
BACKENDS = ("tensorflow", "torch")
REAL = ("photographs", registered.get("squeezenet-1.0", (227, 227, 3), 1000), "trained")


def cells(
    size: str, *columns: str, networks: Any = SMALL, asked: tuple[str, ...] = (),
    device: str = "cpu",
) -> list[Cell]:  # fmt: skip
    ask = Request(
        datasets=(), architectures=(), columns=pick_columns(columns), methods=asked, grid=size,
        device=device,
    )  # fmt: skip
    found = matrix.cells(ask, networks)
    assert len({cell.cell_id for cell in found}) == len(found)
    return found


def test_quick_is_every_task_in_every_mode() -> None:
    found = cells("quick", "jax", networks=SMALL[:1])
    named = [(cell.task, cell.method, cell.mode) for cell in found]
    assert len(named) == 3 * 2 + 2 and ("train_step", "", "xla") not in named
    assert {(cell.precision, cell.batch) for cell in found} == {("float32", 64)}


@pytest.mark.parametrize("size", GRIDS)
@pytest.mark.parametrize("column", ["jax", "pytorch", "keras[torch]"])
def test_a_network_without_a_convolution_has_no_heatmap(size: str, column: str) -> None:
    dense = [("mnist", registered.get("mlp-512-100"), "random")]
    found = cells(size, column, networks=dense)
    assert {cell.task for cell in found} == {"forward", "train_step"}


def test_default_varies_one_factor_at_a_time() -> None:
    found = cells("default", "jax", networks=[*SMALL, REAL])
    base = {
        "architecture": "cnn-48-32-16", "batch": 64, "layer": "", "precision": "float32",
        "mode": "compiled",
    }  # fmt: skip
    for cell in found:
        differing = {name for name, value in base.items() if getattr(cell, name) != value}
        differing |= {"method"} if cell.method not in ("", "grad_cam") else set()
        if cell.architecture == "squeezenet-1.0":
            assert (cell.batch, cell.mode) in ((1, "compiled"), (8, "compiled"), (8, "tuned"))
        elif "method" in differing:
            assert differing <= {"method", "batch", "layer"} or "layer" not in differing
        else:
            pairs = ({"batch", "mode"}, {"layer", "mode"})
            assert len(differing) <= 1 or differing in pairs, cell
            if differing == {"layer", "mode"}:
                assert cell.mode in ("tuned", "xla") and cell.layer == "relu1"
    plain = cells("default", "pytorch", networks=[*SMALL, REAL])
    assert "tuned" not in {c.mode for c in plain if c.architecture == "squeezenet-1.0"}
    grad_cam = [c for c in found if c.method == "grad_cam" and c.architecture == "cnn-48-32-16"]
    assert {(c.batch, c.mode) for c in grad_cam} == {
        (batch, mode) for batch in (1, 8, 64, 256) for mode in ("eager", "compiled", "tuned", "xla")
    }
    assert {c.layer for c in grad_cam} == {"", "relu1", "relu2"}
    assert {c.precision for c in grad_cam} == {"float32", "bfloat16", "float64"}
    all_classes = [c for c in found if c.method == "grad_cam_all_classes"]
    assert {c.layer for c in all_classes} == {""}
    fully = cells("full", "jax")
    assert {c.layer for c in fully if c.method == "grad_cam_all_classes"} == {"", "relu1"}
    others = {name for name in methods.names() if name not in ("grad_cam", "cam")}
    assert others <= {c.method for c in found}


def test_keras_on_another_backend_has_the_product_layers_and_all_classes_alone() -> None:
    networks = [*SMALL, REAL]
    own, other = (cells("default", f"keras[{name}]", networks=networks) for name in BACKENDS)

    def alike(found: list[Cell]) -> set[tuple[Any, ...]]:
        return {
            (c.task, c.method, c.layer, c.batch, c.mode)
            for c in found
            if (c.architecture, c.precision) == ("cnn-48-32-16", "float32") and not c.library
        }

    assert {c.precision for c in other} == {"float32"}
    assert {c.architecture for c in other} == {"cnn-48-32-16"}
    assert {c.method for c in other} == {"", "grad_cam", "grad_cam_all_classes"}
    kept = {
        (task, method, layer, *rest)
        for task, method, layer, *rest in alike(own)
        if method in ("", "grad_cam", "grad_cam_all_classes") and layer != "relu2"
    }
    assert alike(other) == kept
    assert {c.precision for c in cells("full", "keras[torch]")} >= {"bfloat16", "float64"}


@pytest.mark.parametrize("size", ["default", "full"])
def test_tf32_is_a_toggle_of_every_column_on_a_gpu_alone(size: str) -> None:
    columns = ("jax", "pytorch", "keras[jax]", "keras[torch]")
    found = [cell for cell in cells(size, *columns, device="gpu") if cell.precision == "tf32"]
    tasks = {(cell.column.label, cell.task) for cell in found}
    assert tasks >= {(column, task) for column in columns for task in ("forward", "heatmap")}
    assert not any(cell.precision == "tf32" for cell in cells(size, *columns))


def test_a_library_that_goes_image_by_image_gets_one() -> None:
    found = [c for c in cells("default", "keras[tensorflow]") if c.library == "eli5"]
    assert found and {c.batch for c in found} == {1}


def test_tuned_is_timed_where_there_is_something_to_tune() -> None:
    for column, there in (("jax", True), ("keras[jax]", True), ("pytorch", False)):
        assert ("tuned" in {c.mode for c in cells("full", column)}) is there
        assert ("tuned" in {c.mode for c in cells("default", column)}) is there
        assert "tuned" not in {c.mode for c in cells("quick", column)}


@pytest.mark.parametrize("column", ["pytorch", "keras[tensorflow]", "keras[jax]", "jax"])
def test_libraries_stand_beside_the_frameworks_they_explain(column: str) -> None:
    found = {(c.library, c.method, c.options) for c in cells("default", column) if c.library}
    described = [libraries.describe(name) for name in libraries.names()]
    mine = [each for each in described if column.split("[")[0] in each.frameworks]
    assert column == "keras[jax]" or "shap" in {each.name for each in mine}
    if column == "keras[jax]":
        assert not found
        return
    for library in mine:
        for name, offer in library.offers.items():
            if column.split("[")[0] != library.framework and name in ("deep", "gradient"):
                assert name not in {method for of, method, _ in found if of == library.name}
                continue
            given = [
                options for of, method, options in found if (of, method) == (library.name, name)
            ]
            assert () in given
            for settings in (offer.canonical or {}, *offer.timed):
                assert tuple(sorted(settings.items())) in given


def test_heatmaps_are_of_the_methods_asked_for() -> None:
    every, some = cells("default", "pytorch"), cells("default", "pytorch", asked=("saliency",))
    assert {(c.library, c.method) for c in some} == {
        ("", ""), ("", "saliency"), ("captum", "saliency"), ("saliency", "gradient_saliency"),
    }  # fmt: skip
    like = ("", "saliency", "gradient_saliency")
    assert set(some) == {c for c in every if c.method in like}


def test_full_is_the_whole_product() -> None:
    found = cells("full", "jax")
    assert set(cells("default", "jax")) < set(found)
    plain = cells("default", "pytorch", networks=[*SMALL, REAL])
    assert "tuned" not in {c.mode for c in plain if c.architecture == "squeezenet-1.0"}
    grad_cam = [c for c in found if c.method == "grad_cam" and c.architecture == "cnn-gap"]
    # batches x modes x precisions x layers
    assert len(grad_cam) == 4 * 4 * 3 * 3


def test_a_batch_that_no_memory_holds_is_refused() -> None:
    networks = [("digits", registered.get("cnn-gap"), "trained")]
    matrix.check_batch(4096, networks)
    with pytest.raises(BadInput, match=r"^--batch 2147483647: so many images of cnn-gap are 6272 "):
        matrix.check_batch(2**31 - 1, networks)
