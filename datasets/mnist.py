"""mnist: handwritten digits, 28 x 28, 60,000 training and 10,000 test images.

Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", 1998,
http://yann.lecun.com/exdb/mnist/. Commonly listed as CC BY-SA 3.0. Downloaded from PyTorch's
mirror. Copies differ in their gzip wrapper, so the digests are of the decompressed files.
"""

from __future__ import annotations

from pathlib import Path

from datasets.contract import Dataset
from datasets.idx import load_four

NAME = "mnist"
CLASS_NAMES = ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
FOLDER = "mnist"
URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
DIGESTS = {
    "train-images-idx3-ubyte.gz": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte.gz": (
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """60,000 training and 10,000 test images, 28 x 28 x 1; errors as `datasets.load`."""
    return load_four(
        name=NAME,
        folder=FOLDER,
        base_url=URL,
        digests=DIGESTS,
        class_names=CLASS_NAMES,
        licence="commonly listed as CC BY-SA 3.0",
        source="LeCun, Cortes and Burges, 1998",
        data_dir=data_dir,
        allow_unverified=allow_unverified,
    )
