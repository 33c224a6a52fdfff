"""The names of ImageNet's thousand classes (ILSVRC 2012), in their order, as torchvision has them.

Read from the text of its file: to import torchvision is to import PyTorch, which who only wants
names need not have.
"""

from __future__ import annotations

import ast
from functools import cache
from importlib.util import find_spec
from pathlib import Path

CLASSES = 1000
LIST = "_IMAGENET_CATEGORIES"


@cache
def names() -> tuple[str, ...]:
    """A thousand names, each another; none where torchvision is not installed."""
    spec = find_spec("torchvision")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "models" / "_meta.py"
        found = _listed(path.read_text(encoding="utf-8")) if path.is_file() else ()
        if len(found) == len(set(found)) == CLASSES:
            return found
    return ()


def _listed(text: str) -> tuple[str, ...]:
    """The list's texts; none where the file has another form than it had."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List):
            named = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if named == [LIST]:
                return tuple(str(each) for each in ast.literal_eval(node.value))
    return ()
