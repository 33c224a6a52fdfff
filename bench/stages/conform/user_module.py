"""A user's function, `module:function`: found by the parent, imported and held by the child."""

from __future__ import annotations

import ast
import importlib
import inspect
import linecache
import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

from bench.stages.conform.explaining import User
from implementations.errors import BadInput, unknown
from implementations.frameworks import Column

TAKEN = ("model", "images", "targets", "layer")
"""What such a function is called with, in this order."""


def folders() -> list[str]:
    """Where its module is looked for: the current directory, then PYTHONPATH, as full paths.

    A child stands in another directory.
    """
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [str(Path(each).absolute()) for each in (".", *filter(None, named))]


def source(name: str, within: Sequence[str]) -> Path | None:
    """The file of its module, or None of one that has no text. Raises BadInput for no module."""
    module, _, _ = name.partition(":")
    where: Sequence[str] | None = [*within, *sys.path]
    spec = None
    for part in module.split("."):
        spec = PathFinder.find_spec(part, where) if where is not None else None
        if spec is None:
            looked = f"{within[0]} and on PYTHONPATH"
            raise BadInput(
                f"--explainer {name}: no module {module!r}; it is looked for in {looked}"
            )
        found = spec.submodule_search_locations
        where = None if found is None else list(found)
    text = spec is not None and spec.origin is not None and spec.origin.endswith(".py")
    return Path(str(spec.origin)) if spec is not None and text else None


def column(path: Path | None, among: Iterable[Column]) -> Column | None:
    """The column whose packages a module's text imports: most of them; None where it has none."""
    imported: set[str] = set()
    try:
        tree = ast.parse(path.read_bytes()) if path is not None else ast.Module([], [])
    except (SyntaxError, ValueError):
        return None  # the child says what is wrong
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imported.add(node.module.partition(".")[0])
    used = [each for each in among if imported & set(each.packages)]
    return max(used, default=None, key=lambda each: _imported(each, imported))


def check(name: str, path: Path | None) -> None:
    """Raise BadInput, nothing imported, where a module's text says that the function cannot be.

    That is where nothing of that name is in it, or a function that cannot take what it must. A text
    that does not say, as one with `import *` or a decorator, passes: the child has the last word.
    """
    _, _, function = name.partition(":")
    try:
        body = ast.parse(path.read_bytes()).body if path is not None else []
    except (SyntaxError, ValueError):
        return  # the child says what is wrong
    defined = [each for each in body if isinstance(each, ast.FunctionDef)]
    plain = all(isinstance(each, ast.FunctionDef | ast.Expr) or _imports(each) for each in body)
    if path is not None and plain and not _imported_as(body, function):
        known = [each.name for each in defined]
        if function not in known:
            told = (
                unknown("function", function, known, f"of {path.stem} ") if known else "it has none"
            )
            raise BadInput(f"--explainer {name}: {told}")
    for each in defined:
        if each.name == function and not each.decorator_list and not _takes(each.args):
            must = f"it must take ({', '.join(TAKEN)})"
            raise BadInput(f"--explainer {name}: it takes ({ast.unparse(each.args)}); {must}")


def _imports(statement: ast.stmt) -> bool:
    """Whether a statement imports names that it says."""
    if isinstance(statement, ast.ImportFrom):
        return all(alias.name != "*" for alias in statement.names)
    return isinstance(statement, ast.Import)


def _imported_as(body: Iterable[ast.stmt], name: str) -> bool:
    given = (each.names for each in body if isinstance(each, ast.Import | ast.ImportFrom))
    return any((alias.asname or alias.name) == name for names in given for alias in names)


def _takes(arguments: ast.arguments) -> bool:
    """Whether a function can be called with what it must take."""
    places = [*arguments.posonlyargs, *arguments.args]
    needed = len(places) - len(arguments.defaults)
    asked = any(default is None for default in arguments.kw_defaults)
    fits = needed <= len(TAKEN) and (len(TAKEN) <= len(places) or arguments.vararg is not None)
    return fits and not asked


def _imported(column: Column, names: set[str]) -> tuple[int, bool, int]:
    """How much of a column a module imports: packages, the first of them, and none besides."""
    packages = column.packages
    return len(names & set(packages)), packages[0] in names, -len(packages)


@dataclass
class Function:
    """A user's function, whose answers are looked at, and where in its file it raised last."""

    call: User
    file: str
    line: str = ""
    refused: bool = False
    """Whether it raised by a word of its own."""

    def __call__(self, model: Any, images: Any, targets: Any, layer: Any) -> Any:
        """Its maps. Raises what it raises, TypeError or ValueError for what are no maps."""
        self.line, self.refused = "", False
        try:
            return maps(self._found(model, images, targets, layer), len(targets))
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            mine = [each for each in frames if each.filename == self.file]
            if mine:
                text = linecache.getline(self.file, mine[-1].lineno or 0).strip()
                self.line = f"{Path(self.file).name}:{mine[-1].lineno}"
                self.refused = mine[-1] is frames[-1] and text.startswith(("raise ", "assert "))
            raise

    def _found(self, *given: Any) -> Any:
        """What it returns. Raises RuntimeError where it would end the process."""
        try:
            return self.call(*given)
        except SystemExit as error:
            raise RuntimeError(f"it ends the process by SystemExit: {error}") from error


def maps(found: Any, count: int) -> Any:
    """An answer as it is. Raises TypeError, ValueError where it is no array of a map an image."""
    wanted = f"an array of maps ({count}, h, w)"
    if not hasattr(found, "shape") or not hasattr(found, "dtype"):
        raise TypeError(f"it returned {_what(found)}, not {wanted}")
    shape = tuple(map(int, found.shape))
    if len(shape) != 3 or shape[0] != count or 0 in shape:
        raise ValueError(f"it returned an array {shape}, not {wanted}")
    return found


def _what(found: Any) -> str:
    return "None" if found is None else f"a {type(found).__name__}"


def load(name: str, within: Sequence[str]) -> Function:
    """A user's function by name. Raises BadInput where there is none that takes what it must.

    Its module comes before any other of that name; what it imports comes after all others, so that
    a file beside it stands for no package's.
    """
    module, _, function = name.partition(":")
    top = module.partition(".")[0]
    sys.path += [each for each in within if each not in sys.path]
    spec, there = PathFinder.find_spec(top, within), getattr(sys.modules.get(top), "__spec__", None)
    if spec is not None and there is not None and there.origin != spec.origin:
        told = f"{top!r} is also the name of a module that Python or a package has; rename yours"
        raise BadInput(f"--explainer {name}: {told}")
    try:
        if spec is not None and spec.loader is not None and top not in sys.modules:
            sys.modules[top] = module_from_spec(spec)
            spec.loader.exec_module(sys.modules[top])
        loaded = importlib.import_module(module)
    except (Exception, SystemExit) as error:
        sys.modules.pop(top, None)
        raise BadInput(
            f"--explainer {name}: {module} cannot be imported: {_told(error)}"
        ) from error
    found = getattr(loaded, function, None)
    if found is None:
        known = [each for each, value in vars(loaded).items() if inspect.isfunction(value)]
        told = unknown("function", function, known, f"of {module} ") if known else "it has none"
        raise BadInput(f"--explainer {name}: {told}")
    if not callable(found):
        raise BadInput(f"--explainer {name}: it is {_what(found)}; name a function")
    try:
        signature = inspect.signature(found)
        signature.bind(*TAKEN)
    except TypeError:
        must = f"it must take ({', '.join(TAKEN)})"
        raise BadInput(f"--explainer {name}: it takes {signature}; {must}") from None
    except ValueError:
        pass  # one that is not Python says nothing of what it takes
    return Function(found, str(getattr(loaded, "__file__", "")))


def _told(error: BaseException) -> str:
    """An error in a line, with where in a user's file it is."""
    text = str(error).strip().splitlines()
    frames = [each for each in traceback.extract_tb(error.__traceback__)
              if each.filename != __file__ and not each.filename.startswith("<")]  # fmt: skip
    at = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {text[0] if text else 'no message'}{at}"
