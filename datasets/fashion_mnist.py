"""fashion_mnist: articles of clothing, 28 x 28, 60,000 training and 10,000 test images.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", 2017, arXiv:1708.07747. MIT licence, Zalando SE. Downloaded from the authors'
repository, https://github.com/zalandoresearch/fashion-mnist.
"""

from __future__ import annotations

from pathlib import Path

from datasets.contract import Dataset
from datasets.idx import load_four

NAME = "fashion_mnist"
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
FOLDER = "fashion-mnist"
URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
DIGESTS = {
    "train-images-idx3-ubyte.gz": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte.gz": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
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
        licence="MIT",
        source="Zalando SE, arXiv:1708.07747",
        data_dir=data_dir,
        allow_unverified=allow_unverified,
    )
