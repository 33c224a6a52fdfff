"""Games of M players, v(set) for every set: their Shapley and Owen values by definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

import numpy as np


class Game:
    """Random values of all sets of players, by their members (M,)."""

    def __init__(self, players: int, seed: int = 0) -> None:
        self.players = players
        self.values = np.random.default_rng(seed).standard_normal(2**players)

    def __call__(self, members: np.ndarray) -> np.ndarray:
        """The values (E,) of sets (E, M)."""
        return self.values[np.asarray(members, np.int64) @ (1 << np.arange(self.players))]

    def of(self, players: Sequence[int]) -> float:
        """The value of a set of players by their numbers."""
        return float(self.values[sum(1 << player for player in players)])

    def whole(self) -> float:
        """What all players have more than none."""
        return float(self.values[-1] - self.values[0])

    def shapley(self) -> np.ndarray:
        """The Shapley value (M,): the weighted sum over all sets without a player."""
        players = self.players
        found = np.zeros(players)
        for player in range(players):
            others = [other for other in range(players) if other != player]
            for size in range(players):
                weight = factorial(size) * factorial(players - size - 1) / factorial(players)
                for some in combinations(others, size):
                    found[player] += weight * (self.of([*some, player]) - self.of(some))
        return found

    def owen(self, tree: object) -> np.ndarray:
        """The Owen value (M,) of a tree of pairs, its leaves players, by the recursion.

        The two halves of a part play its game: the game inside a half is the mean of the part's
        without the other half and with it.
        """
        found = np.zeros(self.players)

        def descend(part: object, game: Callable[[list[int]], float]) -> None:
            if not isinstance(part, tuple):
                found[part] = game([part]) - game([])
                return
            first, second = part
            descend(first, lambda some: (game(some) + game(some + leaves(second))) / 2)
            descend(second, lambda some: (game(some) + game(some + leaves(first))) / 2)

        descend(tree, self.of)
        return found


def leaves(part: object) -> list[int]:
    """The players in a tree of pairs."""
    return leaves(part[0]) + leaves(part[1]) if isinstance(part, tuple) else [part]
