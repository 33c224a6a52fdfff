"""What every library, found by its file, must have, and how they are looked up."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from types import ModuleType

import numpy as np
import pytest

from implementations import architectures, libraries, weights
from implementations.contract import BadInput, Unavailable
from implementations.frameworks import column
from implementations.libraries import Library, count_evaluations

OFFERS = [(name, offer) for name in libraries.names() for offer in libraries.describe(name).offers]


def test_captum_and_shap_are_found() -> None:
    assert {"captum", "shap"} <= set(libraries.names())


@pytest.mark.parametrize(("library", "offer"), OFFERS)
def test_every_offer_is_a_method(library: str, offer: str) -> None:
    described = libraries.describe(library)
    method = described.method(offer)
    assert method.name == f"{library}.{offer}"
    assert method.at in ("layer", "input")
    like = described.offers[offer].like
    assert like == "" or like.isidentifier()
    assert method.why.endswith(".")
    assert method.resolve({}).score == "logit"
    for option in method.options.values():
        assert option.meaning
        assert option.parse(str(option.default)) == option.default


def test_options_are_typed_by_the_offer() -> None:
    method = libraries.describe("captum").method("integrated_gradients")
    assert method.resolve({"n_steps": "20"}).n_steps == 20
    with pytest.raises(BadInput, match=r"n_steps.*whole number"):
        method.resolve({"n_steps": "many"})
    with pytest.raises(BadInput, match=r"captum\.integrated_gradients.*did you mean n_steps"):
        method.resolve({"steps": "20"})


def test_layers_are_checked_like_our_own() -> None:
    architecture = architectures.get("cnn-gap")
    captum = libraries.describe("captum")
    assert captum.method("layer_grad_cam").layer(architecture, None) == "relu4"
    assert captum.method("saliency").layer(architecture, None) == "input"
    with pytest.raises(BadInput, match="leave --layer"):
        captum.method("saliency").layer(architecture, "conv1")


def test_unknown_names_give_the_nearest() -> None:
    with pytest.raises(BadInput, match="captum"):
        libraries.load("captun")
    with pytest.raises(BadInput, match="saliency"):
        libraries.describe("captum").method("salience")


def test_another_framework_is_refused() -> None:
    with pytest.raises(Unavailable, match="pytorch only"):
        libraries.describe("captum").method("saliency").builder("jax")


def test_a_library_that_is_not_installed_says_what_to_install() -> None:
    module = ModuleType("absent")
    module.__dict__.update(
        TITLE="Absent", PACKAGE="absent-xyz", IMPORTS={"absent_xyz": "absent-xyz", "sys": "sys"}
    )
    library = Library("absent", module)
    assert library.missing == "Absent is not installed; pip install absent-xyz"
    with pytest.raises(Unavailable, match="pip install absent-xyz"):
        library.version()


def test_version_is_that_of_the_distribution() -> None:
    pytest.importorskip("captum")
    assert libraries.load("captum").version() == version("captum")


def test_describing_imports_no_framework_and_no_library() -> None:
    code = (
        "import sys\n"
        "from implementations import libraries\n"
        "for name in libraries.names(): libraries.describe(name)\n"
        "heavy = {'torch', 'captum', 'shap', 'cv2', 'jax', 'tensorflow', 'keras', 'eli5'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_evaluations_are_images_through_the_forward_pass() -> None:
    pytest.importorskip("torch")
    from implementations.frameworks import pytorch

    architecture = architectures.get("cnn-32-16", (8, 8, 1), 3)
    network = pytorch.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
    images = pytorch.put(network, np.zeros((5, 8, 8, 1), np.float32))
    with count_evaluations(network) as evaluations:
        network(images)
        network(images[:2])
    network(images)
    assert evaluations.images == 7


KERAS = """
import keras
import numpy as np
from implementations import architectures, weights
from implementations.frameworks import load
from implementations.libraries import count_evaluations

framework, architecture = load("keras"), architectures.get("cnn-32-16", (8, 8, 1), 3)
network = framework.build(architecture, weights.randomise(architecture, 0), "cpu", "float32")
images = framework.put(network, np.zeros((5, 8, 8, 1), np.float32))
layer = network.model.get_layer("relu2")
own = keras.Model(network.model.inputs, [layer.output, network.model.outputs[0]])
before_the_logits = keras.Model(network.model.inputs, layer.output)
with count_evaluations(network) as evaluations:
    network(images)
    own(images[:2])
    network.head("relu2", *network.features("relu2", images[:1]))
    before_the_logits(images)
network(images)
assert evaluations.images == 5 + 2 + 1, evaluations.images
"""


def test_evaluations_are_counted_in_keras() -> None:
    """In the network itself and in any other model of its layers."""
    keras = column("keras")
    if keras.missing:
        pytest.skip(keras.missing)
    environment = {
        **os.environ,
        "KERAS_BACKEND": keras.backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-c", KERAS]
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
