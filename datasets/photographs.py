"""photographs: those that scikit-learn and scikit-image ship, at 256 x 256.

A network sees the centre of the size that it reads; `test_images` are what SqueezeNet does.

For a network trained on ImageNet; there is nothing to train on. scikit-learn's two come first: a
pavilion of the Summer Palace ("china") and a dahlia ("flower"). Where scikit-image is installed, as
PAIR's saliency asks, those of its package follow that show what ImageNet has a class for; its other
pictures are of textures, of cells and of the sky.

None is of ImageNet, nor has a label there: `test_labels` are the classes nearest to what they show,
chosen by hand as targets to explain, and an accuracy against them means nothing. ImageNet has no
dahlia, nor any palace of this kind; the stupa and the daisy are the closest of its buildings and
flowers. Behind the astronaut stands a model of a space shuttle.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets import imagenet_names
from datasets.contract import Dataset, centre
from implementations.arrays import Images, resize

NAME = "photographs"
NEAREST = {"china": 832, "flower": 985}
"""ILSVRC 2012: stupa, and daisy."""
MORE = {
    "astronaut.png": 812, "camera.png": 872, "chelsea.png": 282,
    "coffee.png": 967, "motorcycle_left.png": 665, "rocket.jpg": 657,
}  # fmt: skip
"""scikit-image's: space shuttle, tripod, tiger cat, espresso, moped, and missile."""
RESIZED, CROPPED = 256, 227
CLASS_NAMES = imagenet_names.names() or tuple(f"class {k}" for k in range(imagenet_names.CLASSES))


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """2 or 8 test images, 227 x 227 x 3, and no training images; the arguments do nothing."""
    names, whole = photographs()
    images = centre(whole, (CROPPED, CROPPED))
    more = {Path(file).stem: label for file, label in MORE.items()}
    return Dataset(
        name=NAME,
        train_images=np.empty((0, *images.shape[1:]), dtype=np.float32),
        train_labels=np.empty(0, dtype=np.int32),
        test_images=images,
        test_labels=np.array([{**NEAREST, **more}[name] for name in names], dtype=np.int32),
        class_names=CLASS_NAMES,
        test_masks=None,
        verified=True,
        licence="CC BY 2.0; scikit-image's: CC0 and public domain",
        source="scikit-learn load_sample_image (Flickr: danielbuechele and vultilion, 2011), and "
        "scikit-image's package",
        whole=whole,
    )


def photographs() -> tuple[tuple[str, ...], Images]:
    """Names and (n, 256, 256, 3) RGB in [0, 1], resized without antialias."""
    from sklearn.datasets import load_sample_image

    names, images = list(NEAREST), [_resized(load_sample_image(f"{name}.jpg")) for name in NEAREST]
    for path in shipped():
        from PIL import Image

        with Image.open(path) as picture:
            images.append(_resized(np.asarray(picture.convert("RGB"))))
        names.append(path.stem)
    return tuple(names), np.stack(images)


def shipped() -> list[Path]:
    """scikit-image's files of `MORE`, in this order; none where it is not installed."""
    spec = find_spec("skimage")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    paths = [Path(folder) / "data" / file for file in MORE for folder in folders]
    return paths if all(path.is_file() for path in paths) else []


def _resized(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A photograph (h, w, 3) at (256, 256, 3)."""
    channels = np.moveaxis(pixels / 255, -1, 0)
    return np.moveaxis(resize(channels, (RESIZED, RESIZED)), 0, -1).astype(np.float32)
