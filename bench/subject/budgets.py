"""Explainers that sample, at options with which they evaluate the network about so many times.

What costs as much as is asked of it is compared within a budget: at 64 evaluations of the network
an image one sampler is not another's at 1,000. `AT` has the options of each that can be had at any:
of `<method>` and `<library>.<offer>`, given the budget and the image's size. None where the least
that it does costs more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt

from implementations import methods
from implementations.architecture.graph import Architecture
from implementations.libraries import Library

BUDGETS = (64, 256, 1024)
"""Evaluations of the network for an image."""
SLACK = 1.1
"""A budget may be exceeded by so much: some begin with the image, others count in squares."""
CELLS = 49
"""Of the grids that are 7 a side unless asked."""
Given = dict[str, int]
Size = tuple[int, int]


def _samples(name: str, each: int = 1) -> Callable[[int, Size], Given | None]:
    """An option that is proportional to the evaluations, `each` of them a unit."""

    def given(budget: int, size: Size) -> Given | None:
        units = round(budget * SLACK) // each if each > 1 else budget
        return {name: units} if units else None

    return given


def _stride(window: int, stride: str) -> Callable[[int, Size], Given | None]:
    """The finest stride of a window, no wider than itself."""

    def given(budget: int, size: Size) -> Given | None:
        for step in range(1, window + 1):
            windows = [-(-(side - window) // step) + 1 for side in size]
            if windows[0] * windows[1] + 1 <= budget * SLACK:
                return {stride: step}
        return None

    return given


def _grid(budget: int, size: Size) -> Given | None:
    """A cell an evaluation, and the image itself."""
    return {"grid": min(isqrt(round(budget * SLACK) - 1), *size)}


def _partition(budget: int, size: Size) -> Given | None:
    from implementations.methods.halving import sets

    fits = [g for g in range(2, min(32, *size) + 1) if sets((g, g)) <= budget * SLACK]
    return {"grid": max(fits)} if fits else None


def _coalitions(budget: int, size: Size) -> Given | None:
    """Pairs of coalitions, at least one a cell: of 49, or of the largest grid that they settle."""
    samples = budget - budget % 2
    if samples >= 2 * CELLS:
        return {"samples": samples}
    grid = isqrt(samples // 2)
    return {"samples": samples, "grid": grid} if grid > 1 else None


def _permutations(budget: int, size: Size) -> Given | None:
    """As many orders of 49 cells as fit, or one of the largest grid that does."""
    most = budget * SLACK - 2
    orders = int(most // (2 * (CELLS - 1)))
    if orders:
        return {"permutations": orders}
    return {"permutations": 1, "grid": isqrt(int(most // 2) + 1)}


AT: dict[str, Callable[[int, Size], Given | None]] = {
    "occlusion": _stride(7, "stride"),
    "rise": _samples("masks"),
    "lime": _samples("samples"),
    "kernel_shap": _coalitions,
    "partition_shap": _partition,
    "permutation_shap": _permutations,
    "captum.occlusion": _stride(7, "stride"),
    "captum.feature_ablation": _grid,
    "captum.kernel_shap": _samples("n_samples"),
    "captum.lime": _samples("n_samples"),
    "captum.shapley_value_sampling": _samples("n_samples", CELLS),
    "shap.partition": _samples("max_evals"),
    "xplique.occlusion": _stride(3, "patch_stride"),
    "xplique.rise": _samples("nb_samples"),
    "xplique.lime": _samples("nb_samples"),
    "xplique.kernel_shap": _samples("nb_samples"),
}


def spread(
    name: str, budgets: Sequence[int], architecture: Architecture, library: Library | None = None
) -> list[str]:
    """A method, or a library's offer, by name at each budget: once where two are one.

    As it was named where its name says how much it samples, where it does not sample, or no budget
    was asked for; nothing where the least it does costs more than all of them.
    """
    bare, named = methods.parted(name)
    options = AT.get(f"{library.name}.{bare}" if library else bare)
    if options is None or not budgets:
        return [name]
    height, width, _ = architecture.input_shape
    found = []
    for budget in budgets:
        given = options(budget, (height, width))
        if given is None:
            continue
        if given.keys() & named.keys():
            return [name]
        found.append(_called(bare, named, given, library))
    return list(dict.fromkeys(found))


def _called(bare: str, named: dict[str, str], given: Given, library: Library | None) -> str:
    """The name with what differs from the defaults."""
    offered = library.method(bare) if library else methods.load(bare)
    differs = {n: str(value) for n, value in given.items() if offered.options[n].default != value}
    return methods.called(bare, named | differs)
