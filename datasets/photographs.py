"""photographs: two photographs bundled with scikit-learn, at the size that SqueezeNet reads.

A pavilion of the Summer Palace ("china") and a dahlia ("flower"), both CC BY 2.0, for a network
trained on ImageNet. There is nothing to train on. The photographs are not of ImageNet and have no
label there: `test_labels` are the classes nearest to what they show, chosen by hand as targets to
explain, and an accuracy against them means nothing. ImageNet has no dahlia, nor any palace of this
kind; the stupa and the daisy are the closest of its buildings and flowers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.contract import Dataset
from implementations.arrays import Images, resize

NAME = "photographs"
NEAREST = {"china": 832, "flower": 985}  # ILSVRC 2012: stupa, and daisy
RESIZED, CROPPED = 256, 227


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """2 test images, 227 x 227 x 3, and no training images; the arguments do nothing."""
    names, images = photographs()
    # The names of the thousand classes come with ImageNet, not with the network.
    class_names = tuple(f"class {index}" for index in range(1000))
    return Dataset(
        name=NAME,
        train_images=np.empty((0, *images.shape[1:]), dtype=np.float32),
        train_labels=np.empty(0, dtype=np.int32),
        test_images=images,
        test_labels=np.array([NEAREST[name] for name in names], dtype=np.int32),
        class_names=class_names,
        test_masks=None,
        verified=True,
        licence="CC BY 2.0",
        source="scikit-learn load_sample_image (Flickr: danielbuechele and vultilion, 2011)",
    )


def photographs() -> tuple[tuple[str, ...], Images]:
    """Names and (2, 227, 227, 3) RGB in [0, 1] of the two photographs.

    Resized to 256 x 256 without antialias and cropped at the centre, as SqueezeNet expects.
    """
    from sklearn.datasets import load_sample_image

    names = tuple(NEAREST)
    start = (RESIZED - CROPPED) // 2
    middle = slice(start, start + CROPPED)
    images = []
    for name in names:
        channels = np.moveaxis(load_sample_image(f"{name}.jpg") / 255, -1, 0)
        whole = np.moveaxis(resize(channels, (RESIZED, RESIZED)), 0, -1)
        images.append(whole[middle, middle].astype(np.float32))
    return names, np.stack(images)
