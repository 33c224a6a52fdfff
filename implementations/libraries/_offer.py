"""What a library offers, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from implementations.contract import SCORES, Options
from implementations.conventions import Convention
from implementations.libraries._told import told
from implementations.methods.card import Option


@dataclass(frozen=True)
class Offer:
    """What a library offers.

    `like` names our method of the same kind (empty where there is none), `at` where its heatmap
    lives ("layer" or "input"), `convention` how its map is made as shipped, or why none says that,
    `why` what that cannot say and what is converted here, `reads` and `scores` what they are on a
    method's card.
    `canonical` are the options that make it compute our very map: none needed where it is empty,
    none there are where it is None. `still` are those at which an offer that draws draws nothing
    that counts, and is our method `still_like`. `timed` are further settings whose price is worth
    knowing.
    """

    like: str
    at: str
    why: str
    convention: Convention | str
    options: Mapping[str, Option] = field(default_factory=dict)
    canonical: Mapping[str, str] | None = None
    still: Mapping[str, str] | None = None
    still_like: str = ""
    timed: Sequence[Mapping[str, str]] = ()
    reads: Literal["none", "layer"] = "none"
    scores: tuple[str, ...] = SCORES
    sums_to: Callable[[Options, Any], Any] | None = None
    """As on a method's card."""

    @property
    def difference(self) -> str:
        """How its numbers differ from ours, in words made of its convention, and `why`."""
        made = self.convention
        first = (
            made if isinstance(made, str) else told(made, self.like, at_input=self.at != "layer")
        )
        last = "Logits only." if self.scores == ("logit",) else ""
        return " ".join(filter(None, (first, self.why, last)))
