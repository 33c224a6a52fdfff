from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from bench.subject import fingerprint
from implementations.architecture import recipes, weights
from implementations.architecture.kinds import KINDS


def test_code_hash_is_of_what_a_result_depends_on() -> None:
    pairs = [
        ("jax", "grad_cam", ""), ("jax", "saliency", ""), ("pytorch", "grad_cam", ""),
        ("reference", "grad_cam", ""), ("pytorch", "", ""), ("pytorch", "", "", "train"),
        ("jax", "grad_cam", "", "heatmap", "", "", "time"),
    ]  # fmt: skip
    hashes = [fingerprint.code_hash(*pair) for pair in pairs]
    assert len(set(hashes)) == len(hashes) and all(len(each) == 12 for each in hashes)


def test_a_training_depends_on_its_recipe_and_on_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def hashes() -> tuple[str, ...]:
        fingerprint._code_hash.cache_clear()
        asked = product(("train", "train_step", "heatmap"), ("cnn-48-32-16", "cnn-32-16"))
        return tuple(
            fingerprint.code_hash("jax", "", "", task, name, "digits") for task, name in asked
        )

    glorot = replace(recipes.RECIPES["cnn-48-32-16"], kernels="glorot_uniform")
    monkeypatch.setitem(recipes.RECIPES, "cnn-48-32-16", glorot)
    before = hashes()
    assert len(set(before)) == 5 and before[4] == before[5]

    def changed(recipe: recipes.Recipe) -> list[bool]:
        monkeypatch.setitem(recipes.RECIPES, "cnn-48-32-16", recipe)
        return [old != new for old, new in zip(before, hashes(), strict=True)]

    # A step takes as long from other weights, and how many epochs is in the cell.
    assert changed(replace(glorot, kernels="lecun_normal")) == [True] + [False] * 5
    assert changed(replace(glorot, batch=128)) == [True, False, True, False, False, False]
    assert changed(replace(glorot, epochs=9)) == [False] * 6
    monkeypatch.setitem(weights.KERNELS, "glorot_uniform", weights.lecun_normal)
    assert changed(glorot) == [True] + [False] * 5
    fingerprint._code_hash.cache_clear()


def test_a_fingerprint_is_of_what_runs_and_of_nothing_else() -> None:
    head = '"""A."""\nimport math\n\n\ndef area(r: float) -> float:\n'
    text = head + '    """B."""\n    return math.pi * r\n'
    moved = "from math import pi  # C\n\ndef area(r):\n    import math\n    return math.pi * r\n"
    assert fingerprint.trees(text) == fingerprint.trees(moved)
    assert fingerprint.trees(text) != fingerprint.trees(text.replace("* r", "* r * r"))
    assert fingerprint.trees(text, ["area"]) == []
    one, other = fingerprint.trees("a = 1\nb = 2"), fingerprint.trees("b = 2\na = 1")
    assert one != other and fingerprint.fingerprint(one) == fingerprint.fingerprint(other)


def test_what_runs_in_one_framework_is_no_part_of_another() -> None:
    page = KINDS["average_pool"].module
    parts = {name: fingerprint.reached(page, [name]) for name in ("jax", "pytorch", "keras")}
    keras, jax = ("\n".join(parts[name]) for name in ("keras", "jax"))
    assert "sliding_window_view" in keras and "sliding_window_view" not in jax
    # The windows that a page shares are part of what runs.
    assert any("name='window'" in part for part in parts["jax"])
    assert any("name='symmetric'" in part for part in parts["pytorch"])
    assert not any("name='symmetric'" in part for part in parts["jax"])


def test_a_fingerprint_is_of_the_kinds_of_its_architecture() -> None:
    # An MLP has no convolution; a network that is not registered may have any kind.
    args = ("jax", "saliency", "", "heatmap")
    plain, mlp, unknown = (
        fingerprint.code_hash(*args, name, "digits") for name in ("cnn-48-32-16", "mlp-512-100", "")
    )
    assert len({plain, mlp, unknown}) == 3
    assert plain == fingerprint.code_hash(*args, "cnn-32-16", "digits")


def test_what_is_judged_is_of_the_metrics_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hashes() -> list[str]:
        fingerprint._code_hash.cache_clear()
        return [fingerprint.code_hash("jax", "", "", stage=s) for s in ("judge", "contrast")]

    before = hashes()
    for form in fingerprint.JUDGING:
        for path in fingerprint.BENCH.glob(form):
            copy = tmp_path / path.relative_to(fingerprint.BENCH)
            copy.parent.mkdir(exist_ok=True)
            copy.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n")
    monkeypatch.setattr(fingerprint, "BENCH", tmp_path)
    assert hashes() == before
    for file, old, new in (("metrics/deletion.py", "STEPS = 20", "STEPS = 21"),
                           ("subject/heatmaps.py", "1e6", "1e7")):  # fmt: skip
        copy = tmp_path / file
        copy.write_text(copy.read_text().replace(old, new))
        changed = hashes()
        assert changed[0] != before[0] and changed[1] == before[1]
        before = changed
    fingerprint._code_hash.cache_clear()
