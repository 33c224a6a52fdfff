import os
from pathlib import Path

import numpy as np
import pytest

from datasets.photographs import photographs
from implementations.architecture import pretrained, registered, weights
from implementations.errors import BadInput
from implementations.oracle import runtime

BESIDE = Path(__file__).parents[4] / "shared" / "weights"
WEIGHTS = Path(os.environ.get("CAMPARISON_WEIGHTS", BESIDE)) / "squeezenet_v1_0.safetensors"
# Places of the ImageNet classes.
STUPA, BELL_COTE, MONASTERY, BRAIN_CORAL = 832, 442, 663, 109

real = pytest.mark.skipif(
    not WEIGHTS.exists(), reason="no squeezenet_v1_0.safetensors; set CAMPARISON_WEIGHTS"
)


def in_pytorch():
    """Random SqueezeNet weights in PyTorch's names and layouts, and the neutral ones."""
    neutral = weights.randomise(registered.get("squeezenet-1.0"), 0)
    tensors = {}
    for name, array in neutral.items():
        node, part = name.split(".")
        for fire in range(2, 10):
            node = node.replace(f"fire{fire}_", f"fire{fire}.")
        if part == "kernel":
            tensors[f"{node}.weight"] = np.moveaxis(array, (0, 1, 2, 3), (2, 3, 1, 0))
        else:
            tensors[f"{node}.bias"] = array
    return tensors, neutral


def test_every_tensor_is_renamed_and_laid_out(tmp_path):
    tensors, neutral = in_pytorch()
    weights.save(tmp_path / "s.safetensors", tensors)
    converted = pretrained.squeezenet(tmp_path / "s.safetensors")
    assert list(converted) == list(neutral)
    for name, array in neutral.items():
        np.testing.assert_array_equal(converted[name], array)


def test_neutral_files_are_taken_as_they_are(tmp_path):
    architecture = registered.get("cnn-32-16", (8, 8, 1), 3)
    given = weights.randomise(architecture, 0)
    weights.save(tmp_path / "w.safetensors", given)
    read = pretrained.neutral(tmp_path / "w.safetensors", architecture)
    assert weights.digest(read) == weights.digest(given)
    with pytest.raises(BadInput, match="another architecture"):
        pretrained.neutral(tmp_path / "w.safetensors", registered.get("cnn-gap"))


@pytest.mark.parametrize("name", ["conv1.bias", "fire9.expand3x3.weight", "conv10.weight"])
@pytest.mark.parametrize("how", ["lost", "bent", "flat", "new"])
def test_a_tampered_file_is_named(tmp_path, name, how):
    tensors, _ = in_pytorch()
    array = tensors.pop(name)
    changed = {
        "lost": {},
        "bent": {name: array[:-1]},
        "flat": {name: array.reshape(-1, 1)},
        "new": {name: array, "conv11.bias": np.zeros(2)},
    }[how]
    weights.save(tmp_path / "s.safetensors", {**tensors, **changed})
    stem = "conv11" if how == "new" else name.split(".")[0]
    with pytest.raises(BadInput, match=rf"s\.safetensors: .*tensor '{stem}"):
        pretrained.squeezenet(tmp_path / "s.safetensors")


@real
def test_squeezenet_sees_what_is_in_the_photographs():
    tensors = pretrained.squeezenet(WEIGHTS)
    assert sum(array.size for array in tensors.values()) == 1_248_424
    network = runtime.build(registered.get("squeezenet-1.0"), tensors)
    _, images = photographs()
    logits = network(runtime.put(network, images))
    temple, flower = np.argsort(-logits[:2], axis=1)
    # A Chinese pavilion: stupa, bell cote and monastery lead. ImageNet has no dahlia: what looks
    # most like its crowded petals is a brain coral.
    assert set(temple[:3]) == {STUPA, BELL_COTE, MONASTERY}
    assert flower[0] == BRAIN_CORAL
