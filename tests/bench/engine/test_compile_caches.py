from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from bench.engine.child import ROOT
from bench.engine.compile_caches import INDUCTOR, STATE, compile_cache, of_its_own


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (INDUCTOR, "JAX_COMPILATION_CACHE_DIR", "TRITON_CACHE_DIR", STATE):
        monkeypatch.setenv(name, "")


def test_each_process_has_a_cache_of_its_own() -> None:
    seen = []
    for number in (0, 0, 1):
        with compile_cache(None, number) as place:
            assert os.environ[INDUCTOR] == str(place) and "TRITON_CACHE_DIR" not in os.environ
            assert os.environ[STATE] == "cold" and not list(place.iterdir())
            (place / "graph").touch()
            seen.append(place)
        assert not place.exists()
    assert len(set(seen)) == 3


def test_a_kept_cache_is_cold_in_the_first_round_and_warm_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = str(tmp_path / "compiled")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for number, expected, found in ((0, "cold", 0), (1, "warm", 1), (2, "warm", 2), (0, "cold", 0)):
        with compile_cache(kept, number) as place:
            assert os.environ[STATE] == expected, number
            with of_its_own("cell") as own:
                # The first round empties it, also when it is begun again after a kill.
                assert len(list(own.iterdir())) == found
                (own / f"graph{number}").touch()
        assert place.exists()


def test_the_cells_of_a_process_do_not_share(tmp_path: Path) -> None:
    with compile_cache(str(tmp_path), 0) as place:
        with of_its_own("one") as one:
            assert os.environ[INDUCTOR] == str(one)
            (one / "graph").touch()
        assert os.environ[INDUCTOR] == str(place)
        with of_its_own("other") as other:
            assert other != one and not list(other.iterdir())
        assert (one / "graph").exists()  # one does not empty the other's


ALIKE = """
import torch
from torch._dynamo.utils import counters
from bench.engine.compile_caches import compile_cache, of_its_own

def compiled(number):
    space = {}
    exec(f"def doubled_{number}(array): return torch.relu(2 * array)", {"torch": torch}, space)
    torch.compile(space[f"doubled_{number}"], fullgraph=True)(torch.ones(7))
    hits = counters["inductor"]["fxgraph_cache_hit"]
    return hits + counters["aot_autograd"]["autograd_cache_hit"]

with compile_cache(None, 0):
    for number, cell in enumerate(("one", "other", "other")):
        with of_its_own(cell):
            print(compiled(number))
    print(compiled(3), compiled(4))
"""


def test_what_compiles_alike_is_compiled_for_each_cell() -> None:
    pytest.importorskip("torch")
    done = subprocess.run(
        [sys.executable, "-c", ALIKE], cwd=ROOT, capture_output=True, text=True, check=False
    )
    # Cold, a folder is emptied whenever something begins to get ready in it.
    *apart, first, second = done.stdout.split() or [done.stderr]
    assert (apart, first) == (["0", "0", "0"], "0"), done.stderr
    assert int(second) > 0  # in one folder they would share


HEADERS = """
import torch
from bench.engine.compile_caches import compile_cache, of_its_own
from torch._inductor import codecache

def doubled(array):
    return torch.relu(2 * array)

with compile_cache({kept!r}, {number}), of_its_own("cell"):
    if {number}:
        torch.compile(doubled, fullgraph=True)(torch.ones(7))
    print(codecache._HEADER_DIR)
"""


def test_later_rounds_share_precompiled_headers(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    kept, made = tmp_path / "compiled", []
    for number, process in enumerate(("first", "second", "third")):
        scratch = tmp_path / process
        scratch.mkdir()
        text = HEADERS.format(kept=str(kept), number=number)
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "TMPDIR": str(scratch)},
        )  # fmt: skip
        folder = Path(done.stdout.strip())
        assert folder.is_relative_to(scratch), done.stderr
        made.append({path.name: path.stat().st_mtime_ns for path in folder.glob("**/*.gch")})
        # The first round's are its own, so there it need compile nothing.
        assert folder.resolve().is_relative_to(kept) is (number > 0)
    assert not made[0] and made[1] and made[1] == made[2]
