"""cifar10: photographs of ten kinds of things, 32 x 32 in colour, 50,000 training and 10,000 test.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. No explicit licence;
the author asks for citation. Downloaded from https://www.cs.toronto.edu/~kriz/cifar.html in the
binary form: records of one label byte and 3,072 bytes, the red, green and blue planes. Of an
unverified archive the training batches that are there are taken.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.contract import Dataset
from datasets.published import locate, md5, read, verify
from implementations.errors import BadInput

NAME = "cifar10"
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
FOLDER = "cifar10"
ARCHIVE = "cifar-10-binary.tar.gz"
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
TRAIN = tuple(f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6))
TEST = "cifar-10-batches-bin/test_batch.bin"
RECORD = 1 + 3 * 32 * 32
LARGEST = 10_000 * RECORD
UNPACKED = 1 << 28  # bytes, half as many again as the whole archive has


def load(data_dir: Path | str | None = None, allow_unverified: bool = False) -> Dataset:
    """50,000 training and 10,000 test images, 32 x 32 x 3; errors as `datasets.load`."""
    path = locate(ARCHIVE, FOLDER, URL, data_dir)
    archive = read(path)
    verified = verify(path, "the archive", md5(archive), {ARCHIVE: MD5}, URL, allow_unverified)
    members = read_members(archive, path)
    present = [name for name in TRAIN if name in members]
    if not present or TEST not in members:
        raise BadInput(f"{path} lacks {TEST if present else TRAIN[0]}: download it from {URL}")
    parts = [split(members[name], name, path) for name in present]
    test_images, test_labels = split(members[TEST], TEST, path)
    return Dataset(
        name=NAME,
        train_images=np.concatenate([images for images, _ in parts]),
        train_labels=np.concatenate([labels for _, labels in parts]),
        test_images=test_images,
        test_labels=test_labels,
        class_names=CLASS_NAMES,
        test_masks=None,
        verified=verified,
        licence="none stated; cite Krizhevsky, 2009",
        source="Krizhevsky, 2009",
    )


class Bounded(gzip.GzipFile):
    """An unpacked stream that is neither read nor skipped beyond what CIFAR-10 has.

    A tar may give any size for a long name or a pax header, and tarfile reads it into memory.
    """

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes. Raises tarfile.ReadError for more than a batch at once."""
        if size is None or not 0 <= size <= LARGEST + tarfile.BLOCKSIZE:
            raise tarfile.ReadError(f"a header or a file of {size} bytes")
        return super().read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place. Raises tarfile.ReadError for one beyond the archive."""
        if place > UNPACKED:
            raise tarfile.ReadError(f"more than {UNPACKED} bytes unpacked")
        return super().seek(place, whence)


def read_members(archive: bytes, path: Path) -> dict[str, bytes]:
    """The batches in a tar.gz, by exact name and in memory: nothing is unpacked to disk.

    Raises BadInput for a damaged archive, a member that is no plain file, one that is there twice
    and one of a size that no batch has.
    """
    members: dict[str, bytes] = {}
    try:
        with (
            Bounded(fileobj=BytesIO(archive)) as stream,
            tarfile.open(fileobj=stream, mode="r:") as tar,
        ):
            for member in tar:
                if member.name not in (*TRAIN, TEST):
                    continue
                sound = member.isreg() and 0 < member.size <= LARGEST and not member.size % RECORD
                batch = tar.extractfile(member) if sound else None
                if batch is None or member.name in members:
                    raise BadInput(
                        f"{path}: {member.name} ({member.size} bytes) is not one plain file of up"
                        f" to 10,000 records of {RECORD} bytes: download the archive from {URL}"
                    )
                members[member.name] = batch.read()
            while stream.read(1 << 20):  # only at its end is gzip's checksum compared
                pass
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BadInput(
            f"{path} is no sound tar.gz archive ({error}): download it again from {URL}"
        ) from error
    return members


def split(content: bytes, member: str, path: Path) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Images `(N, 32, 32, 3)` and labels `(N,)` of a batch; BadInput for a label over 9."""
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels = records[:, 0].astype(np.int32)
    if labels.max() >= len(CLASS_NAMES):
        at = int(labels.argmax())
        raise BadInput(
            f"{path}: {member} has label {labels[at]} at index {at}, there are 10 classes (0 to 9):"
            f" download the archive again from {URL}"
        )
    planes = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    images = np.ascontiguousarray(planes, dtype=np.float32)
    images /= 255
    return images, labels
