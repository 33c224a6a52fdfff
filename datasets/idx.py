"""The IDX format of MNIST and its successors: gzip around a header and unsigned bytes.

Header: two zero bytes, the type (8: unsigned byte), the number of dimensions, then each dimension
as a big-endian 32-bit integer. See http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import gzip
import math
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.contract import Dataset
from datasets.published import locate, read, sha256, verify
from implementations.errors import BadInput

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"
KINDS = {1: "labels", 3: "images"}
LARGEST = 1 << 28  # bytes decompressed, five times MNIST: stops what only looks like a data set


def load_four(
    name: str,
    folder: str,
    base_url: str,
    digests: dict[str, str],
    class_names: tuple[str, ...],
    licence: str,
    source: str,
    data_dir: Path | str | None,
    allow_unverified: bool,
) -> Dataset:
    """A data set in four IDX files; `digests` are SHA-256 of their decompressed contents."""
    paths = {file: locate(file, folder, base_url + file, data_dir) for file in digests}
    contents = {file: decompress(path, base_url + file) for file, path in paths.items()}
    verified = [
        verify(
            paths[file],
            "the decompressed content",
            sha256(content),
            digests,
            base_url + file,
            allow_unverified,
        )
        for file, content in contents.items()
    ]

    def pair(images: str, labels: str) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        pixels = parse(contents[images], paths[images], dimensions=3)
        indices = parse(contents[labels], paths[labels], dimensions=1)
        check_pair(pixels, paths[images], indices, paths[labels], len(class_names))
        scaled = pixels[..., np.newaxis].astype(np.float32) / np.float32(255)
        return scaled, indices.astype(np.int32)

    train_images, train_labels = pair(TRAIN_IMAGES, TRAIN_LABELS)
    test_images, test_labels = pair(TEST_IMAGES, TEST_LABELS)
    if train_images.shape[1:] != test_images.shape[1:]:
        raise BadInput(
            f"{paths[TEST_IMAGES]}: images of {test_images.shape[1:3]} pixels, but"
            f" {train_images.shape[1:3]} in {paths[TRAIN_IMAGES].name}: use files of one data set"
        )
    return Dataset(
        name=name,
        train_images=train_images,
        train_labels=train_labels,
        test_images=test_images,
        test_labels=test_labels,
        class_names=class_names,
        test_masks=None,
        verified=all(verified),
        licence=licence,
        source=source,
    )


def decompress(path: Path, url: str) -> bytes:
    """The content of a gzip file. Raises BadInput where it is cut short, damaged or no gzip."""
    again = f"download it again from {url}"
    try:
        with gzip.open(BytesIO(read(path))) as stream:
            content = stream.read(LARGEST + 1)
    except EOFError as error:
        raise BadInput(f"{path} is cut short: {again}") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadInput(f"{path} is no sound gzip file ({error}): {again}") from error
    if len(content) > LARGEST:
        raise BadInput(f"{path} is larger than {LARGEST} bytes decompressed: {again}")
    return content


def parse(content: bytes, path: Path, dimensions: int) -> NDArray[np.uint8]:
    """The array `(N,)` or `(N, H, W)` in an IDX file's content; `path` is for the message.

    Raises BadInput for another magic number, and where header and length disagree.
    """
    wanted = KINDS[dimensions]
    header = 4 + 4 * dimensions
    magic = content[:4]
    kinds = {bytes([0, 0, 8, number]): kind for number, kind in KINDS.items()}
    if kinds.get(magic, wanted) != wanted:
        raise BadInput(f"{path} holds {kinds[magic]}, not {wanted}: swap the two files' names")
    if magic not in kinds:
        raise BadInput(
            f"{path} begins with {magic.hex() or 'nothing'}, not with 000008{dimensions:02x}:"
            f" it is no IDX file of {wanted}; put one in its place"
        )
    if len(content) < header:
        raise BadInput(f"{path} ends within its header: put a whole IDX file in its place")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    if 0 in shape:
        raise BadInput(f"{path} is empty (shape {shape}): put a whole IDX file in its place")
    if len(content) - header != math.prod(shape):
        raise BadInput(
            f"{path} should hold {math.prod(shape)} values (shape {shape}) but holds"
            f" {len(content) - header}: put a whole IDX file in its place"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def check_pair(
    images: NDArray[np.uint8],
    images_path: Path,
    labels: NDArray[np.uint8],
    labels_path: Path,
    classes: int,
) -> None:
    """Raises BadInput unless there is one label in [0, classes) for every image."""
    if len(images) != len(labels):
        raise BadInput(
            f"{images_path} holds {len(images)} images but {labels_path.name} {len(labels)} labels:"
            " use two files of the same part of one data set"
        )
    if labels.max() >= classes:
        at = int(labels.argmax())
        raise BadInput(
            f"{labels_path}: label {labels[at]} at index {at} is out of range, there are"
            f" {classes} classes (0 to {classes - 1}): use this data set's own labels"
        )
