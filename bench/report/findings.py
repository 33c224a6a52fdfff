"""Findings in words, made of rows only: each says on what data, network, metric and images it is.

A sentence rests on metrics that can tell something here (`Told.telling`), never on one alone, and
each is of this network: one training says nothing of others. No sentence ranks without its
interval. Where none qualifies there is one that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bench import metrics
from bench.report.finding import Finding, where
from bench.report.forms import number, share
from bench.report.orders import disagreements, orders
from bench.report.told_apart import FEWEST, OWN, Told, listed, towards

DEARER = 2
"""Times the evaluations from which a price is worth a sentence."""
ZERO = 0.01
"""Share of zero maps from which it is told."""
ALIKE = 0.02
"""Of a rank correlation of 1: the difference that matters."""
SHORTCUT, CHANCE = "shapes_shortcut", "control.uniform"  # its masks are the mark's; at chance
NOTHING = "nothing here is told apart"


def findings(told: Told) -> list[Finding]:
    """All that qualify, or that none does."""
    found = [finding for make in MAKERS for finding in make(told)]
    return found or [Finding("", f"{where(told)}: {NOTHING}{told.few}.")]


def indistinct(told: Told) -> Iterator[Finding]:
    """F1: no metric tells an explainer from a control."""
    for name in told.distinct:
        measured = {metric: told.against(metric, name) for metric in told.causes}
        measured = {metric: found for metric, found in measured.items() if found}
        every = set().union(*measured.values()) if measured else set()
        for control in sorted(every):
            pairs = [found[control] for found in measured.values() if control in found]
            if pairs and not any(pair.apart for pair in pairs):
                n = min(pair.n for pair in pairs)
                text = (
                    f"no test here tells {told.called(name)} from {control} ({len(pairs)} metrics, "
                    f"{n} images)"
                )
                yield Finding("F1", f"{where(told)}: {text}.", (name, control), (*measured,))
                break


def above_controls(told: Told) -> Iterator[Finding]:
    """F2: an explainer is above every control, on two metrics at least.

    Its own maps of the network before training are one: without them there is no such sentence.
    """
    for name in told.distinct:
        nearest = {}
        for metric in _above(told, name, told.telling):
            sign, found = towards(metric), told.against(metric, name)
            nearest[metric] = min(found.values(), key=lambda each: sign * each.value)
        if len(nearest) > 1:
            parts = [
                f"{metric} ({'lower: ' * (towards(metric) < 0)}{each})"
                for metric, each in nearest.items()
            ]
            text = f"{told.called(name)} is above every control on {listed(parts)}"
            text += _over_trainings(told, name, list(nearest))
            yield Finding("F2", f"{where(told)}: {text}.", (name,), (*nearest,))


def _over_trainings(told: Told, name: str, of: list[str]) -> str:
    """On which of these metrics that holds of several trainings too; nothing where there is one."""
    held, trainings = [], 0
    for metric in of:
        sign = towards(metric)
        same = [d for (m, e, _), d in told.trainings.items() if (m, e) == (metric, name)]
        every = [d for d in same if d.n]  # a constant map has no correlation
        trainings = max([trainings, *(each.n for each in every)])
        if every and all(each.apart and sign * each.value > 0 for each in every):
            held.append(metric)
    if not trainings:
        return ""
    where = f"over {trainings} trainings"
    return f"; {where} on {listed(held)} too" if held else f"; {where} on none of these"


def dearer(told: Told) -> Iterator[Finding]:
    """F3: an explainer costs more than another that no telling metric tells from it."""
    for name in told.distinct:
        cost = told.evaluations.get(name, 0)
        cheaper = [
            (told.evaluations[other], other)
            for other in told.distinct
            if 0 < told.evaluations.get(other, 0) * DEARER <= cost
            and (verdicts := [told.apart(metric, name, other) for metric in told.telling])
            and all(verdict is False for verdict in verdicts)
        ]
        if cheaper:
            least, other = min(cheaper)
            text = (
                f"{name} costs {number(cost / least)} times the evaluations of {other}; none of "
                f"{listed(told.telling)} tells them apart "
                f"({told.images(told.telling, (name, other))} images)"
            )
            yield Finding("F3", f"{where(told)}: {text}.", (name, other), (*told.telling,))


def vouching(told: Told) -> Iterator[Finding]:
    """F4: a control that is not told apart from the explainer that a metric puts first."""
    for metric in told.causes:
        order, sign = told.order(metric), towards(metric)
        found = told.against(metric, order[0]) if order else {}
        alike = {c: d for c, d in found.items() if not (d.apart and sign * d.value > 0)}
        if alike:
            control = min(alike, key=lambda each: (sign * alike[each].value, each))
            text = (
                f"{metric} does not tell {order[0]}, which it puts first, from {control} "
                f"({alike[control]}): that metric vouches for nobody here"
            )
            yield Finding("F4", f"{where(told)}: {text}.", (control, order[0]), (metric,))


def ignores_weights(told: Told) -> Iterator[Finding]:
    """F5: a map that stays when all weights are drawn anew, as one of the image's edges does."""
    for name, (value, high, n) in sorted(told.kept.items()):
        moved = high < 1 and 1 - value > ALIKE
        if name in told.distinct and n >= FEWEST and not moved:
            text = (
                f"{told.called(name)} keeps a rank correlation of {number(value)} after all "
                f"weights are drawn anew ({n} images): it cannot be explaining them"
            )
            used = ("cascading_randomisation",)
            yield Finding("F5", f"{where(told)}: {text}.", (name,), used)


def shortcut(told: Told) -> Iterator[Finding]:
    """F8: who shows the mark that a network was made to use, and who cannot be told from chance."""
    if told.place["dataset"] != SHORTCUT:
        return
    places = [metric for metric in told.causes if "mask" in metrics.load(metric).card.needs]
    shown = [name for name in told.distinct if len(_above(told, name, places)) > 1]
    blind = [
        name
        for name in [*told.distinct, *sorted(told.controls - {CHANCE})]
        if (verdicts := [_above_chance(told, metric, name) for metric in places])
        and not any(verdict is not False for verdict in verdicts)
    ]
    parts = []
    if shown:
        parts.append(f"shown by {listed(shown)} (above every control on two of these at least)")
    if blind:
        parts.append(f"missed by {listed(blind)} (none of these puts them above {CHANCE})")
    if parts:
        text = f"the mark that gives the class away is {' and '.join(parts)}: {listed(places)}"
        yield Finding("F8", f"{where(told)}: {text}.", (*shown, *blind), (*places,))


def _above(told: Told, name: str, of: list[str]) -> list[str]:
    """The metrics, of these, on which an explainer is above every control, its own included."""
    found = {metric: told.against(metric, name) for metric in of}
    return [
        metric
        for metric, every in found.items()
        if OWN in every
        and all(each.apart and towards(metric) * each.value > 0 for each in every.values())
    ]


def _above_chance(told: Told, metric: str, name: str) -> bool | None:
    """Whether it is told apart from a constant map the right way; None where that is not known."""
    apart = told.apart(metric, name, CHANCE)
    if not apart:
        return apart
    higher = told.groups[metric, name].value - told.groups[metric, CHANCE].value
    return towards(metric) * higher > 0


def zero_maps(told: Told) -> Iterator[Finding]:
    """F7: maps that are zero or constant, which means count at chance."""
    for name, (part, n) in sorted(told.zero.items()):
        if name in told.distinct and n >= FEWEST and part >= ZERO:
            text = (
                f"{share(part)} of {name}'s maps are zero or constant ({n} images); means include "
                "them at chance"
            )
            yield Finding("F7", f"{where(told)}: {text}.", (name,))


MAKERS: tuple[Callable[[Told], Iterator[Finding]], ...] = (
    indistinct, above_controls, dearer, vouching, ignores_weights, disagreements, shortcut,
    zero_maps, orders,
)  # fmt: skip
