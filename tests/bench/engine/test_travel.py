from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.engine.travel import Packed, Unpacked, read_piece
from bench.record.cell import Cell

CELL = Cell(stage="agree", framework="reference", dataset="digits", architecture="cnn-gap")
DIGEST = "0123456789abcdef"


@pytest.fixture
def context(tmp_path: Path) -> dict[str, Any]:
    """What children are told, and the files that lie about."""
    work = tmp_path / "results" / "work"
    files = {
        work / "images-digits-4.safetensors": b"images",
        work / "oracle" / "a.safetensors": b"answer",
        work / "networks" / f"net--{CELL.cell_id}-abc.checkpoint.safetensors": b"half trained",
        work / "networks" / "net--fedcba987654-abc.checkpoint.safetensors": b"another's",
        work / "networks" / ".young.tmp": b"half written",
        work / "maps" / f"{DIGEST}.safetensors": b"maps",
        work / "maps" / "fedcba9876543210.safetensors": b"of another run",
        tmp_path / "elsewhere" / "w.safetensors": b"weights",
    }
    for path, content in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return {
        "images": {"digits": str(work / "images-digits-4.safetensors")},
        "weights": {"digits/cnn-gap/trained": str(tmp_path / "elsewhere" / "w.safetensors")},
        "oracle": str(work / "oracle"), "out": str(work / "networks"),
        "maps": str(work / "maps"), "values": str(work / "values" / "run"),
        "kept": {"digits/cnn-gap": {"grad_cam": {"trained": DIGEST}}},
        "data_dir": str(tmp_path / "elsewhere"), "n_images": 4, "word": "hello",
    }  # fmt: skip


def unpacked(packed: Packed, folder: Path) -> Unpacked:
    files = packed.files([CELL])
    digests = {name: packed.digest(path) for name, path in files.items()}
    stored = {digests[name]: path.read_bytes() for name, path in files.items()}
    assert all(hashlib.sha256(content).hexdigest() == name for name, content in stored.items())
    folder.mkdir()
    return Unpacked(folder, folder / "kept", packed.context, digests, stored.__getitem__)


def test_a_job_finds_its_files_elsewhere_and_no_others(
    context: dict[str, Any], tmp_path: Path
) -> None:
    packed = Packed(context)
    there = unpacked(packed, tmp_path / "there").context
    assert there["n_images"] == 4 and there["word"] == "hello" and there["kept"] == context["kept"]
    assert there["data_dir"] == context["data_dir"], "every machine has its own"
    assert Path(there["images"]["digits"]).read_bytes() == b"images"
    assert Path(there["weights"]["digits/cnn-gap/trained"]).read_bytes() == b"weights"
    assert [path.read_bytes() for path in Path(there["oracle"]).iterdir()] == [b"answer"]
    assert [path.read_bytes() for path in Path(there["out"]).iterdir()] == [b"half trained"]
    assert [path.read_bytes() for path in Path(there["maps"]).iterdir()] == [b"maps"]
    mine = str(tmp_path / "there")
    assert all(there[name].startswith(mine) for name in ("oracle", "out", "maps", "values"))


def test_what_is_made_comes_back_once_and_what_is_removed_goes(
    context: dict[str, Any], tmp_path: Path
) -> None:
    packed = Packed(context)
    place = unpacked(packed, tmp_path / "there")
    out, values = Path(place.context["out"]), Path(place.context["values"])
    assert place.changes() == {}
    values.mkdir(parents=True)
    (values / "v.safetensors").write_bytes(b"values")
    (out / ".w.tmp").write_bytes(b"half")
    (out / "w.safetensors").write_bytes(b"whole")
    next(out.glob("*.checkpoint.safetensors")).unlink()
    changes = place.changes()
    assert set(changes.values()) == {None, b"values", b"whole"} and len(changes) == 3
    assert place.changes() == {}
    packed.take(changes)
    assert (Path(context["values"]) / "v.safetensors").read_bytes() == b"values"
    assert (Path(context["out"]) / "w.safetensors").read_bytes() == b"whole"
    assert not list(Path(context["out"]).glob(f"*{CELL.cell_id}*"))
    other = replace(CELL, seed=1)
    assert not any("checkpoint" in name for name in packed.files([other]))


def test_folders_are_read_once_and_what_comes_back_is_known(
    context: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = Packed(context)
    before = packed.files([CELL])
    monkeypatch.setattr(Path, "iterdir", lambda self: pytest.fail(f"{self} is read again"))
    name, hidden = (f"@work/networks/{dot}{CELL.cell_id}-new.bin" for dot in ("", "."))
    packed.take({name: b"new", hidden: b"half"})
    assert packed.files([CELL]) == before | {name: packed.here(name)}
    assert packed.files([replace(CELL, seed=1)]) == {
        name: path for name, path in before.items() if CELL.cell_id not in name
    }
    packed.take({name: None})
    assert packed.files([CELL]) == before


def test_of_a_large_array_a_cell_takes_its_piece_along(
    context: dict[str, Any], tmp_path: Path
) -> None:
    path, other = tmp_path / "large.npy", replace(CELL, task="another")
    np.save(path, np.arange(20).reshape(10, 2))
    pieces = {CELL.cell_id: {"rows": (str(path), 2, 5)}, other.cell_id: {"rows": (str(path), 5, 9)}}
    packed = Packed({**context, "pieces": pieces})
    assert packed.bytes(CELL) == 3 * 2 * 8 and packed.bytes(replace(CELL, task="none")) == 0
    [(name, content)] = packed.pieces([CELL])
    folder = tmp_path / "there"
    folder.mkdir()
    there = Unpacked(
        folder, folder / "kept", packed.context, {name: "d"}, {"d": content}.__getitem__
    )
    found = there.context["pieces"][CELL.cell_id]["rows"]
    assert Path(found[0]).is_relative_to(folder) and not list((folder / "kept").iterdir())
    np.testing.assert_array_equal(read_piece(found), [[4, 5], [6, 7], [8, 9]])
