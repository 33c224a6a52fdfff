"""What each library's offers state of the maps that they make, line by line."""

from __future__ import annotations

from dataclasses import fields

from implementations import libraries
from implementations.conventions import Convention
from implementations.libraries import Offer, canonical
from implementations.libraries._causes import cause as cause
from implementations.libraries._reported import reported as reported

CONTROL = "reference"


def lines() -> list[dict[str, str]]:
    """Each offer of every library: the factors that are not canonical, or why it states none.

    `library` is its title and the version that is installed, `shipped` the factors in words.
    """
    return [
        {"library": _titled(about), "offer": name, **_line(offer)}
        for library in libraries.names()
        if (about := libraries.describe(library)).framework != CONTROL
        for name, offer in about.offers.items()
    ]


def shipped() -> dict[tuple[str, str], str]:
    """By library and offer, the factors that are not canonical, or why none is stated."""
    found = {}
    for library in libraries.names():
        for name, offer in libraries.describe(library).offers.items():
            line = _line(offer)
            found[library, name] = line["shipped"] or line["reason"]
    return found


def _titled(about: libraries.Library) -> str:
    return about.title if about.missing else f"{about.title} {about.version()}"


def _line(offer: Offer) -> dict[str, str]:
    same = offer.canonical
    given = "" if same is None else ", ".join(f"{k}={v}" for k, v in same.items()) or "its defaults"
    line = {"like": offer.like, "same_with": given, "reason": "", "shipped": ""}
    made, names = offer.convention, [each.name for each in fields(Convention)]
    if isinstance(made, str):
        return {**line, **dict.fromkeys(names, ""), "reason": made}
    away = made.differs(canonical(offer.like, at_input=offer.at != "layer"))
    told = {name: str(getattr(made, name)) if name in away else "" for name in names}
    shipped = ", ".join(f"{name}: {value}" for name, value in told.items() if value)
    return {**line, **told, "shipped": shipped}
