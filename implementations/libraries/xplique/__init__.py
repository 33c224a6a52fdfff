"""Xplique (Fel et al. 2022, arXiv 2206.04394): attribution for Keras on TensorFlow, traced.

Each offer is asked for logits, in float32. What it draws comes from TensorFlow's generator, other
for each image of a batch. It is seeded, but functions that draw are traced once, so the seed of a
process's first map holds for all of the same shapes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from implementations.arrays import Array, Intermediates
from implementations.contract import Explain, Options
from implementations.conventions import Convention
from implementations.errors import Unavailable
from implementations.libraries import Offer
from implementations.libraries._tensorflow import require_tensorflow
from implementations.methods.card import Number, Option

if TYPE_CHECKING:
    from implementations.frameworks.keras.network import Network

TITLE = "Xplique"
PACKAGE = "xplique"
# Not TensorFlow: a process of another backend does not see it, and `build` says why.
IMPORTS = {"xplique": "xplique", "keras": "keras"}
FRAMEWORK = "keras"
BACKEND = "tensorflow"
# It pins an older TensorFlow, SciPy and scikit-learn than the rest of the suite has.
ENVIRONMENT = "xplique"

BATCH: Mapping[str, Option] = {"batch_size": Number(32, 1, 1_000_000, "images in one forward pass")}
SEED: Mapping[str, Option] = {"seed": Number(0, 0, 2**31 - 1, "seed of TensorFlow's generator")}


def offered(
    like: str,
    convention: Convention | str,
    why: str,
    options: Mapping[str, Option],
    at: str = "input",
    **said: Any,
) -> Offer:
    """A row of its table: like which of ours, how its numbers differ, its options."""
    return Offer(
        like=like, at=at, why=why, convention=convention, scores=("logit",), options=options, **said
    )


def at_input(formula: str, rule: str = "plain") -> Convention:
    """A map of the image as it is."""
    return Convention(formula=formula, rule=rule, rectify="none", resize="none")


def explained_by(
    name: str,
    network: Network,
    options: Options,
    given: Iterable[str],
    layer: str = "",
    **settings: Any,
) -> Explain:
    """An `explain` by the library's class of this name, with these of the options as settings.

    Raises Unavailable for another precision, on another backend, and for a node that is no Keras
    layer.
    """
    require_tensorflow(TITLE, network, layer or network.architecture.output)
    if network.precision != "float32":
        raise Unavailable(f"{TITLE} is asked for logits in float32 only")
    import tensorflow as tf

    with warnings.catch_warnings():
        # TensorFlow Probability, which it imports, reads versions by what Python dropped.
        warnings.filterwarnings("ignore", "distutils Version classes", DeprecationWarning)
        from xplique import attributions

    settings |= {option: options[option] for option in given if option not in SEED}
    settings |= {"conv_layer": layer} if layer else {}
    explainer = getattr(attributions, name)(network.model, **settings)
    classes = network.architecture.classes

    def explain(network: Network, images: Array, targets: Array) -> Intermediates:
        tf.random.set_seed(options.get("seed", 0))
        maps = explainer.explain(images, tf.one_hot(targets, classes))
        return {"heatmap": maps[..., 0] if len(maps.shape) == 4 else maps}

    return explain
