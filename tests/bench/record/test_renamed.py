from __future__ import annotations

import pytest

from bench.record import renamed


def test_a_renamed_row_is_followed_to_its_newest_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renamed, "RENAMED", {"a": "b", "b cnn-gap": "c", "x": "y", "y": "x"})
    assert renamed.renamed("a", "cnn-gap") == "c"
    assert renamed.renamed("a", "mlp-512-100") == "b"
    assert renamed.renamed("new", "cnn-gap") == "new"
    assert renamed.renamed("x", "cnn-gap") in ("x", "y")  # a circle ends
