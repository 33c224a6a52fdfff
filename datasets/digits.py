"""digits: handwritten digits, 8 x 8 pixels of 17 greys, bundled with scikit-learn.

1,797 images (E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
Learning Repository, 1998; the test part of it), CC BY 4.0. Needs no network. Each pixel is
tripled (24 x 24) and framed with two pixels of zeros, so that the networks for 28 x 28 fit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.contract import Dataset

NAME = "digits"
CLASS_NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
TRAIN = 1500
SEED = 20240607


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """1,500 training and 297 test images, 28 x 28 x 1, split by a fixed permutation.

    Both arguments are without effect: the images come with scikit-learn.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    small = np.asarray(bunch.images, dtype=np.float32) / np.float32(16)
    tripled = small.repeat(3, axis=1).repeat(3, axis=2)
    images = np.pad(tripled, ((0, 0), (2, 2), (2, 2)))[..., np.newaxis]
    labels = np.asarray(bunch.target, dtype=np.int32)

    # The raw stream is fixed for good; what Generator.permutation makes of it is not.
    order = np.argsort(np.random.PCG64(SEED).random_raw(len(images)), kind="stable")
    train, test = order[:TRAIN], order[TRAIN:]
    return Dataset(
        name=NAME,
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        class_names=CLASS_NAMES,
        test_masks=None,
        verified=True,
        licence="CC BY 4.0",
        source="scikit-learn load_digits (Alpaydin and Kaynak, UCI, 1998)",
    )
