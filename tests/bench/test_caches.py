from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.caches import STATE, compile_cache


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TORCHINDUCTOR_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR", STATE):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("CAMPARISON_COLUMN", "keras[torch]")
    monkeypatch.setenv("CAMPARISON_PRECISION", "float32")
    monkeypatch.setenv("CAMPARISON_ALLOCATOR", "")


def test_each_process_has_a_cache_of_its_own() -> None:
    seen = []
    for number in (0, 0, 1):
        with compile_cache(None, number) as place:
            assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(place)
            assert os.environ[STATE] == "cold" and not list(place.iterdir())
            (place / "graph").touch()
            seen.append(place)
        assert not place.exists()
    assert len(set(seen)) == 3


def test_a_kept_cache_is_cold_in_the_first_round_and_warm_after(tmp_path: Path) -> None:
    kept = str(tmp_path / "compiled")
    for number, expected in ((0, "cold"), (1, "warm"), (2, "warm"), (0, "cold")):
        with compile_cache(kept, number) as place:
            assert os.environ[STATE] == expected, number
            (place / f"graph{number}").touch()
        assert place.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CAMPARISON_COLUMN", "pytorch"),
        ("CAMPARISON_PRECISION", "float64"),
        ("CAMPARISON_ALLOCATOR", "system"),
    ],
)
def test_the_processes_of_a_round_do_not_share_and_an_empty_one_is_cold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with compile_cache(str(tmp_path), 0) as place:
        (place / "graph").touch()
    monkeypatch.setenv(name, value)
    with compile_cache(str(tmp_path), 0) as other:
        assert other != place and os.environ[STATE] == "cold"
    assert (place / "graph").exists()  # the first round of one does not empty the other's
