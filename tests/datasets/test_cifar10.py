from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from datasets import cifar10
from implementations.errors import BadInput

FILES = Path(os.environ.get("CAMPARISON_DATA") or Path(__file__).parents[3] / "shared" / "datasets")


def batch(count: int, seed: int = 0) -> bytes:
    records = np.random.default_rng(seed).integers(0, 256, (count, cifar10.RECORD))
    records[:, 0] = np.arange(count) % 10
    return records.astype(np.uint8).tobytes()


def archive(folder: Path, members: list[tuple[str, bytes | str]]) -> Path:
    """An archive of these members; a text content makes a link to that name."""
    folder.mkdir(exist_ok=True)
    path = folder / cifar10.ARCHIVE
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return path


def test_batches_that_are_there_are_joined_in_order(tmp_path: Path) -> None:
    first, third, test = batch(20, 1), batch(10, 3), batch(10, 9)
    archive(
        tmp_path,
        [
            (cifar10.TRAIN[2], third),
            ("cifar-10-batches-bin/readme.html", b"anything"),
            (cifar10.TEST, test),
            (cifar10.TRAIN[0], first),
        ],
    )
    dataset = cifar10.load(tmp_path, allow_unverified=True)
    assert not dataset.verified
    assert dataset.train_images.shape == (30, 32, 32, 3)
    assert dataset.train_labels.tolist() == [*range(10)] * 3
    record = np.frombuffer(third, np.uint8)[1 : cifar10.RECORD]
    image = np.rint(dataset.train_images[20] * 255)
    for channel in range(3):
        plane = record[channel * 1024 : (channel + 1) * 1024].reshape(32, 32)
        np.testing.assert_array_equal(image[:, :, channel], plane)


def test_another_archive_is_refused_unless_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "cifar10", [(cifar10.TRAIN[0], batch(10)), (cifar10.TEST, batch(10))])
    with pytest.raises(BadInput, match=r"the digest of the archive .*--allow-unverified"):
        cifar10.load(tmp_path)
    monkeypatch.setattr(cifar10, "MD5", hashlib.md5(path.read_bytes()).hexdigest())
    assert cifar10.load(tmp_path).verified


GOOD = [(cifar10.TRAIN[0], batch(10)), (cifar10.TEST, batch(10))]


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (GOOD[:1], "lacks cifar-10-batches-bin/test_batch.bin"),
        (GOOD[1:], "lacks cifar-10-batches-bin/data_batch_1.bin"),
        ([], "lacks"),
        ([("elsewhere/data_batch_1.bin", batch(10)), GOOD[1]], "lacks .*data_batch_1.bin"),
        ([("../" + cifar10.TRAIN[0], batch(10)), GOOD[1]], "lacks .*data_batch_1.bin"),
        ([*GOOD, GOOD[0]], "data_batch_1.bin .* is not one plain file"),
        ([GOOD[1], (cifar10.TRAIN[0], "test_batch.bin")], "data_batch_1.bin .* not one plain"),
        ([GOOD[1], (cifar10.TRAIN[0], b"")], r"data_batch_1.bin \(0 bytes\) is not"),
        ([GOOD[1], (cifar10.TRAIN[0], batch(1)[:-1])], r"\(3072 bytes\) is not"),
        ([GOOD[1], (cifar10.TRAIN[0], bytes(cifar10.LARGEST + cifar10.RECORD))], "is not one"),
        ([GOOD[1], (cifar10.TRAIN[0], bytes([10]) + batch(1)[1:])], "label 10 at index 0"),
    ],
)
def test_an_unsound_archive_is_told_in_one_line(
    tmp_path: Path, members: list[tuple[str, bytes | str]], says: str
) -> None:
    path = archive(tmp_path, members)
    with pytest.raises(BadInput, match=says) as refusal:
        cifar10.load(tmp_path, allow_unverified=True)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert [entry.name for entry in tmp_path.iterdir()] == [cifar10.ARCHIVE]


@pytest.mark.parametrize("keep", [0, 5, 100, 20_000])
def test_a_truncated_archive_is_told(tmp_path: Path, keep: int) -> None:
    path = archive(tmp_path, GOOD)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadInput, match=r"no sound tar.gz archive.*: download it again"):
        cifar10.load(tmp_path, allow_unverified=True)


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    path = archive(tmp_path, GOOD)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"no sound tar.gz archive"):
        cifar10.load(tmp_path, allow_unverified=True)


def test_the_archive_at_hand() -> None:
    if not (FILES / cifar10.FOLDER).is_dir():
        pytest.skip("no folder of downloaded data sets; CAMPARISON_DATA names one")
    dataset = cifar10.load(FILES, allow_unverified=True)
    published = hashlib.md5((FILES / cifar10.FOLDER / cifar10.ARCHIVE).read_bytes()).hexdigest()
    assert dataset.verified == (published == cifar10.MD5)
    assert dataset.train_images.shape[1:] == (32, 32, 3)
    assert np.bincount(dataset.test_labels, minlength=10).min() > 0


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.REGTYPE])
def test_an_endless_header_is_refused_unread(tmp_path: Path, kind: bytes) -> None:
    header = tarfile.TarInfo("long")
    header.type, header.size = kind, 3 << 30
    content = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 16))
    with pytest.raises(BadInput, match=r"no sound tar\.gz archive \((a header|more than)"):
        cifar10.read_members(content, tmp_path / "cifar.tar.gz")
