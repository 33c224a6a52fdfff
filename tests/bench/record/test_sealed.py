from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.record import sealed
from implementations.architecture import weights
from implementations.errors import BadInput

ARRAYS = {"images": np.arange(6, dtype=np.float32).reshape(2, 3), "classes": np.array(4)}


def edited(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def test_what_is_kept_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> sealed.Arrays:
        made.append(1)
        return dict(ARRAYS)

    path = tmp_path / "work" / "kept.safetensors"
    for _ in range(2):
        found = sealed.kept(path, make)
        assert all(np.array_equal(found[name], ARRAYS[name]) for name in ARRAYS)
    assert made == [1]


@pytest.mark.parametrize("damage", [edited, lambda path: path.write_bytes(b"torn")])
def test_what_was_edited_is_told_and_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: object
) -> None:
    path = tmp_path / "kept.safetensors"
    sealed.save(path, ARRAYS)
    damage(path)  # type: ignore[operator]
    with pytest.raises(BadInput, match=r"kept.safetensors"):
        sealed.load(path)
    found = sealed.kept(path, lambda: dict(ARRAYS))
    told = capsys.readouterr().err
    assert "made anew" in told and told.count("\n") == 1 and np.array_equal(found["classes"], 4)
    sealed.load(path)


def test_a_file_of_before_there_were_digests_is_taken(tmp_path: Path) -> None:
    weights.save(tmp_path / "old.safetensors", ARRAYS)
    assert np.array_equal(sealed.load(tmp_path / "old.safetensors")["images"], ARRAYS["images"])
