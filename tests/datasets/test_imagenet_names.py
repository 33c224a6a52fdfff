from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from datasets import imagenet_names


@pytest.mark.skipif(not find_spec("torchvision"), reason="torchvision is not installed")
def test_the_names_are_those_of_the_classes_in_their_order() -> None:
    found = imagenet_names.names()
    assert len(found) == len(set(found)) == 1000
    # The first and the last, and the two pairs that ImageNet itself calls alike.
    assert (found[0], found[999]) == ("tench", "toilet tissue")
    assert found[134] != found[517] and found[638] != found[639]
    assert [found[k] for k in (282, 832, 967, 985)] == ["tiger cat", "stupa", "espresso", "daisy"]


def test_there_are_none_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)
    assert imagenet_names.names.__wrapped__() == ()


@pytest.mark.parametrize("text", ["", "_IMAGENET_CATEGORIES = load()", "x = ['a']"])
def test_a_file_of_another_form_has_none(text: str) -> None:
    assert imagenet_names._listed(text) == ()
    assert imagenet_names._listed("_IMAGENET_CATEGORIES = ['a', 'b']") == ("a", "b")
