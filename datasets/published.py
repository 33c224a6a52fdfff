"""Files as others published them: found in a folder or downloaded, and checked before use."""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from pathlib import Path

from implementations.errors import BadInput, Unavailable

log = logging.getLogger(__name__)

FOLDER_VARIABLE = "CAMPARISON_DATA"
ANSWER_S = 30.0
"""Seconds in which a server must begin to answer."""


def locate(file_name: str, folder: str, url: str, data_dir: Path | str | None) -> Path:
    """The path of a published file.

    Looked for as `<data_dir>/<folder>/<file_name>`, then `<data_dir>/<file_name>`, where
    `data_dir` falls back on CAMPARISON_DATA. With neither, it is downloaded from `url` into the
    cache, once. Raises BadInput where the named folder lacks it, Unavailable where the download
    fails.
    """
    root = data_dir or os.environ.get(FOLDER_VARIABLE)
    if not root:
        return download(file_name, folder, url)
    places = (Path(root) / folder / file_name, Path(root) / file_name)
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise BadInput(f"{places[0]} is not there: download it from {url}, or name another folder")
    return found


def download(file_name: str, folder: str, url: str) -> Path:
    """Fetch a file into the operating system's cache folder, unless it lies there already."""
    import pooch
    import requests

    cache = Path(pooch.os_cache("camparison")) / folder
    target = cache / file_name
    if target.is_file():
        return target
    pooch.get_logger().setLevel(logging.WARNING)
    try:
        requests.head(url, timeout=ANSWER_S, allow_redirects=True)  # one line where nobody answers
        log.warning("downloading %s to %s", url, target)
        pooch.retrieve(url, known_hash=None, fname=file_name, path=cache)
    except OSError as error:  # requests' errors are OSErrors too
        reason = type(error).__name__
        with suppress(OSError):  # nothing stays of what did not come
            cache.rmdir()
            cache.parent.rmdir()
        raise Unavailable(
            f"cannot download {url} ({reason}): fetch it on another machine into a folder"
            f" <folder>/{folder}/ and name <folder> with --data-dir or {FOLDER_VARIABLE}"
        ) from error
    return target


def read(path: Path) -> bytes:
    """The whole file; BadInput where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): mend its permissions") from error


def verify(
    path: Path, what: str, found: str, published: dict[str, str], url: str, allow_unverified: bool
) -> bool:
    """Whether `found`, the digest of `what` of this file, is the one published for its name.

    `published` maps the names of the files of the set to their digests, so that a file under
    another one's name is recognised. Raises BadInput on a difference, unless allowed.
    """
    if found == published[path.name]:
        return True
    if allow_unverified:
        return False
    namesake = next((name for name, digest in published.items() if digest == found), None)
    if namesake is not None:
        raise BadInput(f"{path} holds what {namesake} should: give both files their right names")
    raise BadInput(
        f"{path}: the digest of {what} is {found[:12]}..., published is"
        f" {published[path.name][:12]}...: download it again from {url},"
        " or use it as it is with --allow-unverified"
    )


def sha256(content: bytes) -> str:
    """SHA-256 of a content, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def md5(content: bytes) -> str:
    """MD5 in hexadecimal: what some publishers give; it finds damage, not malice."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
