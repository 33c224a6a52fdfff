"""Images that are read from a mapped file do not stay in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from bench.engine.child import ROOT

READS = """
import resource, sys
from pathlib import Path
from bench.cli.user_files import read_images
small, large = map(Path, sys.argv[1:])
def peak(path):
    images, _ = read_images(path)
    for start in range(0, len(images), 256):
        images[start : start + 256]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(peak(small), peak(large))
"""


def test_memory_is_that_of_a_part_however_large_the_file(tmp_path: Path) -> None:
    paths = [tmp_path / "small.npy", tmp_path / "large.npy"]
    for path, n in zip(paths, (25_000, 100_000), strict=True):  # with holes: no room on the disk
        np.lib.format.open_memmap(path, "w+", np.float32, (n, 28, 28, 1))
    words = [sys.executable, "-c", READS, *map(str, paths)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    small, large = map(float, done.stdout.split())
    assert large - small < 40, "of 235 MB more"
