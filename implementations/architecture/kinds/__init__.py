"""One file a kind of node, found by its name: nothing is registered anywhere.

A page says all there is to say of a kind:

- its docstring: what it computes; `SETTINGS`: its hyperparameters in the JSON form;
- `shape(node, inputs)`: its output's shape from its inputs', or ValueError that says why not;
- `parameters(node, read)`, where it has weights: their shapes by short name (`kernel`, `bias`,
  `scale`, `offset`, `mean`, `variance`), and `operations(node, read, made)` where it multiplies:
  floating-point operations of one image. `read` and `made` are shapes;
- `forward(node, tensors, inputs)` and `backward(node, tensors, inputs, gradient)` in float64 NumPy,
  the latter derived by hand; images are (N, H, W, C);
- where its gradient goes one way or another: `CORNERS`, the inputs at which an activation bends, or
  `gaps`, `contenders` and `along`, how its output changes along a change of what it reads (see
  `max_pool`);
- `ROLE`: `normalisation`, `activation` or `join` where it works on a map of features element by
  element (so that "the last convolution" means the layer after it); `JOINS` where it reads several;
- `CURVED` where its output is no slope times what it reads and a bias, `UNRULED` where it stands
  for a ReLU and the rules for a ReLU's backward pass do not say what its own is;
- `jax(node, read, types)`: an NNX layer, or a function of the inputs where nothing is kept;
  `pytorch(node, read)`: an `nn.Module`; `keras(node, read, dtype)`: a function of symbolic tensors.
  Each imports its framework inside, and writes every default out.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from implementations.architecture.node import Node, Shape
from implementations.architecture.settings import Setting
from implementations.arrays import Floats, Tensors
from implementations.errors import BadInput, unknown

Backward = Callable[[Node, Tensors, list[Floats], Floats], list[Floats]]
"""(node, its tensors, its inputs, gradient of its output) -> the gradient of each input."""


@dataclass(frozen=True)
class Kind:
    """A kind's page, read once."""

    name: str
    module: ModuleType
    settings: Mapping[str, Setting]
    joins: bool
    role: str
    curved: bool
    unruled: bool
    corners: tuple[float, ...]
    shape: Callable[[Node, list[Shape]], Shape]
    parameters: Callable[[Node, Shape], dict[str, Shape]]
    operations: Callable[[Node, Shape, Shape], int]
    forward: Callable[[Node, Tensors, list[Floats]], Floats]
    backward: Backward
    gaps: Callable[[Node, Floats], Floats] | None
    contenders: Callable[[Node, Floats, Floats], NDArray[Any]] | None
    along: Callable[[Node, Tensors, list[Floats], list[Floats]], Floats] | None

    @property
    def switches(self) -> bool:
        """Whether its gradient goes one way or another."""
        return bool(self.corners) or self.gaps is not None

    @property
    def about(self) -> str:
        """What it computes."""
        return inspect.getdoc(self.module) or ""

    def builder(self, framework: str) -> Callable[..., Any]:
        """What makes a node of this kind in a framework. Raises NotImplementedError."""
        made: Callable[..., Any] | None = getattr(self.module, framework, None)
        if made is None:
            raise NotImplementedError(f"nodes of kind {self.name!r} have no form in {framework}")
        return made


def _load(name: str) -> Kind:
    page = importlib.import_module(f"{__name__}.{name}")
    return Kind(
        name,
        page,
        page.SETTINGS,
        getattr(page, "JOINS", False),
        getattr(page, "ROLE", ""),
        getattr(page, "CURVED", False),
        getattr(page, "UNRULED", False),
        getattr(page, "CORNERS", ()),
        page.shape,
        getattr(page, "parameters", lambda node, read: {}),
        getattr(page, "operations", lambda node, read, made: 0),
        page.forward,
        page.backward,
        getattr(page, "gaps", None),
        getattr(page, "contenders", None),
        getattr(page, "along", None),
    )


KINDS: dict[str, Kind] = {
    path.stem: _load(path.stem) for path in sorted(Path(__file__).parent.glob("[a-z]*.py"))
}
"""Kind of node -> its page."""


def check(kinds: Iterable[str]) -> None:
    """Raises BadInput where one of these is no kind of node."""
    for kind in kinds:
        if kind not in KINDS:
            raise BadInput(unknown("kind of node", kind, KINDS))
