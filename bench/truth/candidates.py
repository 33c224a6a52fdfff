"""The conventions that a search tries: what the oracle is asked, and what is done to its answer."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from bench.subject import own_maps
from bench.truth.question import Question
from implementations.conventions import FACTORS, Convention
from implementations.formulas import FORMULAS, INPUT_FORMULAS

EVIDENCE = ("input", "weights", "target", "score", "layer", "rule", "pairing")
"""The factors that decide what the oracle is asked."""
SHAPE = ("gradient", "formula", "pool", "sign", "rectify", "resize")
"""The factors that are arithmetic on its answer."""
Changes = dict[str, Any]
UNSIGNED = ("eigen_cam", "eigen_grad_cam")
"""Methods of eigenvectors, whose sign nothing decides."""


def candidates(question: Question, level: int) -> Iterator[Convention]:
    """What the oracle may be asked, at a cost of at most this level."""
    factors = [FACTORS[name].items() for name in EVIDENCE if name != "layer"]
    gradient = question.formula in FORMULAS
    for (given, kept, target, score, rule, pairing), (layer, paid) in itertools.product(
        itertools.product(*factors), list(question.layers())
    ):
        cost = given[1] + kept[1] + target[1] + score[1] + rule[1] + pairing[1] + paid
        if (pairing[1] and (question.at_input or not gradient)) or (rule[1] and not gradient):
            continue
        if cost <= level:
            yield Convention(
                input=given[0], weights=kept[0], target=target[0], score=score[0], rule=rule[0],
                pairing=pairing[0], layer=layer, formula=question.formula,
                rectify="none" if question.at_input else "before resizing",
            )  # fmt: skip


def shaped(question: Question, convention: Convention, level: int) -> Iterator[Convention]:
    """A convention with every arithmetic that makes its cost just this level."""
    left = level - convention.cost(question.formula, question.at_input)
    shapes = question.network.architecture.shapes
    flat = question.maps.shape[1:] == shapes[question.place(convention.layer)][:2]
    for changes, cost in arithmetic(question.formula, question.at_input, flat):
        if cost == left:
            yield replace(convention, **changes)


@cache
def arithmetic(formula: str, at_input: bool, flat: bool) -> list[tuple[Changes, int]]:
    """What can be done to an answer of the oracle, with its cost; `flat` where nothing is resized.

    `formula` is the method's own, at a layer or at the input.
    """
    values = {name: tuple(FACTORS.get(name, ())) for name in SHAPE}
    if formula in FORMULAS:
        values["formula"] = tuple(name for name in FORMULAS if (name in INPUT_FORMULAS) == at_input)
    else:
        bare = own_maps.bare_name(formula)
        named = tuple(name for name in FORMULAS if name.startswith(f"{bare}, "))
        own = dict.fromkeys((*own_maps.variants(formula), *own_maps.stated(bare), *named))
        values |= {"formula": tuple(own), "gradient": ("as it is",)}
    if own_maps.bare_name(formula) not in UNSIGNED:
        values["sign"] = ("as defined",)
    if at_input:
        values |= {"pool": ("mean",), "rectify": ("none", "before resizing", "magnitude")}
    values["resize"] = ("bilinear",) if flat else tuple(n for n in values["resize"] if n != "none")
    made: Iterator[Changes] = (
        dict(zip(SHAPE, chosen, strict=True))
        for chosen in itertools.product(*(values[name] for name in SHAPE))
    )
    return [
        (changes, Convention(**changes).cost(formula, at_input))
        for changes in made
        if changes["pool"] == "mean" or changes["formula"] == "grad_cam"
    ]
