"""How often `diagnose` finds what was planted: figures, and each plant that it did not find.

python -m experiments.diagnoses [--count 500 --seed 0 --none 3]
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from experiments.diagnoses import planted
from experiments.diagnoses.planted import KINDS, NONE, Plant
from implementations.conventions import Convention


def told(convention: Convention, formula: str) -> str:
    """What differs from canonical, in words."""
    away = convention.differs(Convention(formula=formula))
    return ", ".join(f"{name}: {getattr(convention, name)}" for name in away) or "canonical"


def main() -> int:
    """The figures; status 1 where one is not what the definition asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=500, help="conventions that are planted")
    parser.add_argument("--none", type=int, default=3, help="of each kind, of no convention")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    began, missed, costs = time.perf_counter(), 0, Counter[int]()
    plants: list[Plant] = []
    for plant in planted.plants(asked.count, asked.seed):
        found, answer = planted.recovered(plant)
        plants.append(plant)
        costs[plant.cost] += 1
        if not found:
            missed += 1
            best = answer.found[0] if answer.found else answer.nearest
            nearest = told(best.convention, plant.kind.formula) if best else "nothing"
            print(f"missed: {plant.kind}: {told(plant.convention, plant.kind.formula)}; {nearest}",
                  flush=True)  # fmt: skip
    share = 1 - missed / max(asked.count, 1)
    by_cost = ", ".join(f"{n} of cost {cost}" for cost, n in sorted(costs.items()))
    print(f"recovered: {asked.count - missed} of {asked.count} ({share:.1%}); {by_cost}; "
          f"{time.perf_counter() - began:.0f} s", flush=True)  # fmt: skip
    wrong = tried = 0
    for number, plant in enumerate(plants[: asked.none * len(KINDS)]):
        for why in NONE:
            answer = planted.unexplained(plant, why, number)
            tried += 1
            if answer.found:
                wrong += 1
                first = told(answer.found[0].convention, plant.kind.formula)
                print(f"explained: {why} of {plant.kind}: {first}", flush=True)
    print(f"explained of {tried} that no convention explains: {wrong}", flush=True)
    return int(share < 0.99 or wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
