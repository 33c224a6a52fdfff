"""Which code a row was made by: when that changes, the row is stale.

A fingerprint is of what runs: the syntax trees of the definitions concerned without docstrings,
comments, annotations and imports, in no order. So moving a file, a definition or a sentence makes
no row stale.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

from bench.record.cell import Cell
from implementations import frameworks, libraries, methods
from implementations.architecture import recipes, registered, weights
from implementations.architecture import window as windows
from implementations.architecture.kinds import KINDS
from implementations.frameworks import tuned
from implementations.methods import card

BENCH = Path(__file__).parents[1]
JUDGING = (
    "metrics/*.py", "subject/model.py", "subject/draws.py", "subject/heatmaps.py",
    "subject/imputation.py", "stages/apart.py", "stages/compared.py",
)  # fmt: skip
"""What the judge's values depend on, beside the framework that scores."""
CONFORMING = (
    "stages/conform/*.py", "truth/claims.py", "truth/conformity.py", "truth/diagnosis.py",
    "truth/question.py", "truth/probes/*.py",
)  # fmt: skip
"""What a verdict depends on, beside the explainer."""
BESIDE = {"judge": JUDGING, "conform": CONFORMING}
TRAINING = ("train", "train_step")
"""The tasks that train."""
ORACLE = ("forward", "backward", "gaps", "contenders", "along")
"""What the oracle has of a kind's page."""
PAGES = f"{methods.__name__}."
TUNED = {label.partition("[")[0] for label in tuned.COLUMNS}
PROTOCOL = {"time": 5, "contrast": 2}
"""By stage, 1 where it is not named; raised by hand when the way of measuring changes: older rows
are stale then. In `time`: 2 a call is warmed before its samples, and freed memory is kept; 3 that
of all threads; 4 that of aligned blocks; 5 each call has images that never were
there. In `contrast`: 2 maps are kept, not timed."""


class _Bare(ast.NodeTransformer):
    """Takes out what does not run."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _silent(part)] or [ast.Pass()]  # type: ignore[attr-defined]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        return super().generic_visit(node)


def _silent(node: ast.AST) -> bool:
    text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return text or isinstance(node, ast.Import | ast.ImportFrom)


@cache
def _statements(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """A source text's top-level statements as they run: name, all written out, names it uses."""
    body = _Bare().visit(ast.parse(textwrap.dedent(text))).body
    return [
        (
            getattr(each, "name", ""),
            ast.dump(each),
            tuple(node.id for node in ast.walk(each) if isinstance(node, ast.Name)),
        )
        for each in body
    ]


def trees(text: str, leave_out: Collection[str] = ()) -> list[str]:
    """The top-level statements of a source text as they run, but for definitions left out."""
    return [dump for name, dump, _ in _statements(text) if name not in leave_out]


def fingerprint(parts: Iterable[str]) -> str:
    """Twelve hexadecimal digits of these parts, whatever their order."""
    return hashlib.sha256("\0".join(sorted(parts)).encode()).hexdigest()[:12]


def code_hash(
    framework: str,
    method: str,
    library: str,
    task: str = "heatmap",
    architecture: str = "",
    dataset: str = "",
    stage: str = "",
) -> str:
    """Hash of what a result depends on: builder, framework's modules, the stage's protocol.

    So it depends on what the kinds of node of this architecture are in this framework (of one that
    is not registered: all kinds). Training depends on the framework's training module and the
    recipe of this architecture on this data set too, and whole trainings on how initial weights are
    made; nothing else does.
    """
    trained = (architecture, dataset) if task in TRAINING else ("", "")
    protocol, kinds = PROTOCOL.get(stage, 1), _kinds(architecture)
    beside = BESIDE.get(stage, ())
    return _code_hash(framework, method, library, task, *trained, protocol, kinds, beside)


@cache
def _kinds(architecture: str) -> tuple[str, ...]:
    if architecture not in registered.names():
        return tuple(KINDS)
    return tuple(sorted({node.kind for node in registered.get(architecture).nodes}))


def reached(module: ModuleType, roots: Iterable[str]) -> list[str]:
    """Of a kind's page, and of the windows it shares, what these definitions come to use."""
    known: dict[str, tuple[str, tuple[str, ...]]] = {}
    for text in (inspect.getsource(windows), inspect.getsource(module)):
        known |= {name: (dump, used) for name, dump, used in _statements(text)}
    found: dict[str, str] = {}
    waiting = [name for name in roots if name in known]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name], used = known[name]
            waiting += [other for other in used if other in known]
    return list(found.values())


@cache
def pages(page: ModuleType) -> list[ModuleType]:
    """A method's page, and whatever else of `implementations.methods` it is written with."""
    found = [page]
    for module in found:
        for statement in ast.parse(inspect.getsource(module)).body:
            if isinstance(statement, ast.ImportFrom) and statement.module:
                names = [
                    statement.module,
                    *(f"{statement.module}.{a.name}" for a in statement.names),
                ]
                used = [sys.modules[n] for n in names if n.startswith(PAGES) and n in sys.modules]
                found += [module for module in used if module not in (*found, card)]
    return found


@cache
def _code_hash(
    framework: str,
    method: str,
    library: str,
    task: str,
    architecture: str,
    dataset: str,
    protocol: int,
    kinds: tuple[str, ...],
    beside: tuple[str, ...],
) -> str:
    folder = Path(frameworks.__file__).parent
    parts = [f"protocol {protocol}"]
    # What the suite knows of a framework beside its functions makes no result.
    modules = sorted(p for p in (folder / framework).glob("*.py") if p.stem != "traits")
    if task in TRAINING:
        # Epochs are the cell's own.
        chosen = replace(recipes.recipe(architecture, dataset), epochs=0)
        if task == "train":
            parts += trees(inspect.getsource(weights.initialise))
            parts += trees(inspect.getsource(weights.KERNELS[chosen.kernels]))
        else:
            chosen = replace(chosen, kernels="")
        parts.append(repr(chosen))
    else:
        parts += trees(inspect.getsource(tuned)) if framework in TUNED else []
        modules = [path for path in modules if path.stem != "training"]
    if framework == frameworks.REFERENCE:
        modules += (folder.parent / "oracle").glob("*.py")
    made = ORACLE if framework == frameworks.REFERENCE else (framework,)
    for kind in kinds:
        parts += reached(KINDS[kind].module, made)
        if framework == frameworks.REFERENCE:
            parts.append(f"corners of {kind}: {KINDS[kind].corners}")
    asked = [path for form in beside for path in BENCH.glob(form)]
    for path in [*modules, *asked]:
        parts += trees(path.read_text(encoding="utf-8"))
    if library:
        found = libraries.describe(library)
        offering = [page for page in found.pages if method in page.OFFERS]
        for module in dict.fromkeys((found.module, *offering)):
            parts += trees(inspect.getsource(module))
    elif method and not library:
        others = {column.framework for column in frameworks.columns()} | {frameworks.REFERENCE}
        if frameworks.forward_only(framework):
            framework = frameworks.REFERENCE
        for module in pages(methods.load(method).module):
            parts += trees(inspect.getsource(module), others - {framework})
    return fingerprint(parts)


def code_of(cell: Cell) -> str:
    """The code hash of a cell's rows."""
    made = (cell.framework, cell.method, cell.library, cell.task)
    return code_hash(*made, cell.architecture, cell.dataset, cell.stage)
