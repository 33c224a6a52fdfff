"""An explainer at work on a host: its maps, or how it failed, and whether it said anything."""

from __future__ import annotations

import contextlib
import io
import linecache
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.truth.probes import Probe
from implementations.arrays import Floats
from implementations.errors import BadInput, Unavailable
from implementations.frameworks.hosts import Host
from implementations.methods import NamedMethod

Explain = Callable[[Host, Any, Any, str], Any]
"""(host, placed images, placed targets, node) -> maps (N, h, w) or (N, H, W), any array."""
User = Callable[[Any, Any, Any, Any], Any]
"""(model, images, targets, layer) -> maps: a user's own function.

The model is the framework's own object: an `nn.Module`, a `keras.Model` or an NNX network. Images
and targets are its arrays, (N, C, H, W) in PyTorch and else (N, H, W, C); the layer is a module in
PyTorch, else a layer's name.
"""
RAISES, REFUSES, NOT_OFFERED = "raises", "refuses", "not offered"


@dataclass(frozen=True)
class Answer:
    """What came of one run: maps, or a word for why there are none, and what was said."""

    maps: Floats | None
    word: str = ""
    said: str = ""
    line: str = ""

    @property
    def loud(self) -> bool:
        """Whether a user would have heard of anything."""
        return bool(self.said)


def of_user(function: User) -> Explain:
    """An explainer of a user's function."""
    return lambda host, images, targets, node: function(
        host.model, images, targets, host.layer(node)
    )


def of_method(method: NamedMethod, framework: str, options: dict[str, str]) -> Explain:
    """An explainer of a library's offer, or of our own builder, as `options` say."""
    values = method.resolve(options)

    def explain(host: Host, images: Any, targets: Any, node: str) -> Any:
        outputs = ("heatmap",)
        layer = host.named(node)
        reads = method.at == "layer" or method.card.reads == "layer"
        if reads and (reason := method.card.applies(host.network.architecture, node)):
            raise Unavailable(reason)
        found = method.bind(framework, host.framework, host.network, layer, values, outputs)
        return found(images, targets)["heatmap"]

    return explain


def answer(explain: Explain, host: Host, probe: Probe, node: str, one_image: bool) -> Answer:
    """The maps of a probe's images, all at once or one by one."""
    heard: list[str] = []
    step = 1 if one_image else len(probe.images)
    starts = range(0, len(probe.images), step)
    pairs = [(probe.images[n : n + step], probe.targets[n : n + step]) for n in starts]
    try:
        host.prepare()
        parts = [_called(explain, host, *pair, node, heard) for pair in pairs]
    except (BadInput, Unavailable) as error:  # of ours, before anything is asked of a library
        return Answer(None, NOT_OFFERED, str(error))
    except Exception as error:
        word, line = _where(error)
        text = str(error).strip().splitlines()
        return Answer(None, word, f"{type(error).__name__}: {text[0] if text else ''}"[:300], line)
    return Answer(np.concatenate(parts), said="; ".join(dict.fromkeys(heard))[:300])


def _called(
    explain: Explain, host: Host, images: Floats, targets: NDArray[Any], node: str, heard: list[str]
) -> Floats:
    placed = host.put(images.astype(np.float32), targets)
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stderr(io.StringIO()),
        host.around(),
    ):
        warnings.simplefilter("always")
        found = explain(host, *placed, node)
        maps = found if isinstance(found, np.ndarray) else host.framework.to_numpy(found)
    heard += [str(each.message).strip().splitlines()[0] for each in caught if _telling(each)]
    return np.asarray(maps, np.float64)


def _telling(warning: warnings.WarningMessage) -> bool:
    """Whether a warning tells of the call: not of what is to be removed some day."""
    return not issubclass(warning.category, DeprecationWarning | FutureWarning)


def _where(error: Exception) -> tuple[str, str]:
    """Raises or refuses, and the line of the library; a clear word of its own is a refusal."""
    frames = traceback.extract_tb(error.__traceback__)
    foreign = [each for each in frames if "site-packages" in each.filename]
    if not foreign:
        return RAISES, ""
    innermost = foreign[-1]
    path = Path(innermost.filename)
    parts = path.parts[path.parts.index("site-packages") + 1 :]
    text = linecache.getline(innermost.filename, innermost.lineno or 0).strip()
    clear = text.startswith(("raise ", "assert ")) and not _deep(parts[0])
    return REFUSES if clear else RAISES, f"{'/'.join(parts)}:{innermost.lineno}"


def _deep(package: str) -> bool:
    """Whether a package is a framework's, whose errors are not the library's own words."""
    from implementations import frameworks

    return package in frameworks.packages() | {"numpy", "scipy"}
