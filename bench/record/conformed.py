"""The columns of a row of conformance: what a run varied, and the verdict on it."""

from __future__ import annotations

FIELDS = (
    ("condition", "", "what differs from the base run; base: nothing"),
    ("host", "", "how the network is written, as a user would have written it"),
    ("probe", "", "which probe network"),
    ("inputs", "", "how its images are given"),
    ("verdict", "", "same, same up to, differs, other formula, raises, refuses, ... or void"),
    ("conventions", "", "the conventions, formula or cause that give the maps"),
    ("first", "", "first stage that differs"),
    ("size", "", "worst image's error against what was expected, of its signed map's peak"),
    ("heard", "", "silent, or loud: it raised or warned"),
    ("version", "", "version of the library"),
    ("line", "", "where in the library it raised"),
    ("reproducer", "", "file that shows it by itself"),
)
"""Name, unit and meaning, as in `schema.FIELDS`."""
