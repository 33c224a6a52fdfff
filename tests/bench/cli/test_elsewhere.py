"""`explain` by an engine that is given shards, here this machine's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.engine import engines
from implementations.architecture import weights


@pytest.fixture
def given_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--engine ray` is another engine that runs here."""
    own = engines.engine
    monkeypatch.setattr(
        engines, "engine", lambda *asked: engines.Local() if asked[0] == "ray" else own(*asked)
    )


def test_files_are_those_of_one_process_and_a_shard_that_is_there_stays(
    place: Any, given_shards: None
) -> None:
    images = np.random.default_rng(0).random((150, *place.images.shape[1:]), np.float32)
    np.savez(place.folder / "images.npz", images)
    np.save(place.folder / "targets.npy", np.arange(150) % 4)
    out = place.out.parent
    asked = {
        "targets": place.folder / "targets.npy", "images": place.folder / "images.npz",
        "framework": "reference", "mode": None, "save": "stages",
    }  # fmt: skip
    assert main(place.arguments(**asked)) == 0
    assert main(place.arguments(**asked, engine="ray", out=out / "one")) == 0
    assert (out / "one").read_bytes() == place.out.read_bytes()
    assert main(place.arguments(**asked, shards=4, out=out / "here")) == 0
    before = dict[str, int]()
    for _ in range(2):
        assert main(place.arguments(**asked, shards=4, engine="ray", out=out / "there")) == 0
        made = {p.name: p.stat().st_mtime_ns for p in (out / "there").iterdir()}
        for path in (out / "here").iterdir():
            assert (out / "there" / path.name).read_bytes() == path.read_bytes()
        if before:
            assert {name for name in made if made[name] == before[name]} == {
                *(f"shard-{n:05}.safetensors" for n in (0, 1, 3))
            }
        before = made
        (out / "there" / "shard-00002.safetensors").unlink()
    assert {path.name for path in out.iterdir()} == {place.out.name, "one", "here", "there"}


def test_an_image_that_cannot_be_explained_has_its_number(
    place: Any, given_shards: None, capsys: pytest.CaptureFixture[str]
) -> None:
    images = np.zeros((200, *place.images.shape[1:]), np.float32)
    images[170:] = 1
    np.save(place.folder / "images.npy", images)
    large = {
        name: array * np.float32(1e30) if name.endswith("kernel") else np.zeros_like(array)
        for name, array in place.tensors.items()
    }
    weights.save(place.folder / "w.safetensors", large)
    assert main(place.arguments(engine="ray")) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("python -m bench explain: image 170: its logits are not finite"), said
    assert not list(place.out.parent.iterdir())


def test_what_is_of_this_machine_is_refused(place: Any, given_shards: None, refused: Any) -> None:
    picture = place.folder / "a.png"
    assert "--picture is of the local engine; leave --engine ray out" in refused(
        engine="ray", picture=picture
    )
    assert "--address is of --engine ray" in refused(address="10.0.0.1:6379")
