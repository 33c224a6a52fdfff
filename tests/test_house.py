"""The house stands: no import runs upward, none in a circle, no framework is named outside."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from implementations import frameworks

ROOT = Path(__file__).resolve().parent.parent
ROOMS = (
    (
        "implementations.errors",
        "implementations.arrays",
        "implementations.files",
        "implementations.interpolation",
        "implementations.formulas",
        "implementations.conventions",
    ),
    (
        "implementations.architecture",
        "implementations.columns",
        "implementations.contract",
        "implementations.traits",
    ),
    ("implementations.oracle",),
    ("implementations.frameworks", "implementations.importers"),
    ("implementations.methods",),
    ("implementations.libraries",),
    ("datasets",),
    ("bench.record",),
    ("bench.subject",),
    ("bench.engine",),
    ("bench.metrics",),
    ("bench.truth",),
    ("bench.stages",),
    ("bench.report",),
    ("bench.job",),
    ("bench.cli", "bench.__main__"),
)
"""Low to high: a room is what stands in one line, and imports only from lines above its own."""
ARROWS = 60
"""Pairs of rooms of which one imports the other, at the most: to be lowered, never raised."""
Graph = Mapping[str, set[str]]


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    module(path): path
    for folder in ("bench", "datasets", "implementations")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
ROOM = {name: number for number, room in enumerate(ROOMS) for name in room}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


@cache
def imports() -> Graph:
    """Module -> the modules of the house that it imports, wherever in it the import stands."""
    found: dict[str, set[str]] = {}
    for name in FILES:
        named = set()
        for node in ast.walk(tree(name)):
            if isinstance(node, ast.Import):
                named |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name}:{node.lineno} has a relative import"
                inside = {f"{node.module}.{alias.name}" for alias in node.names}
                named |= {each if each in FILES else str(node.module) for each in inside}
        found[name] = named & FILES.keys()
    return found


def room(name: str) -> int:
    parts = name.split(".")
    return ROOM[name if name in ROOM else ".".join(parts[: 1 if parts[0] == "datasets" else 2])]


def circles(graph: Graph) -> list[set[str]]:
    """The sets of nodes that reach each other."""
    reached: dict[str, set[str]] = {}
    for start in graph:
        found: set[str] = set()
        waiting = [start]
        while waiting:
            new = graph.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        reached[start] = found
    return [
        {name, *(other for other in reached[name] if name in reached.get(other, ()))}
        for name in graph
        if name in reached[name]
    ]


def between_folders() -> Graph:
    found: dict[str, set[str]] = defaultdict(set)
    for name, others in imports().items():
        folder = str(FILES[name].parent.relative_to(ROOT))
        found[folder] |= {str(FILES[other].parent.relative_to(ROOT)) for other in others}
        found[folder] -= {folder}
    return found


def test_every_file_is_in_a_room() -> None:
    top = {"bench", "implementations"}
    assert not [name for name in FILES if name not in top and not isinstance(room(name), int)]


def test_no_import_runs_upward() -> None:
    upward = [
        f"{name} imports {other}"
        for name, others in imports().items()
        for other in sorted(others)
        if name not in ("bench", "implementations") and room(other) > room(name)
    ]
    assert not upward


def test_no_import_runs_in_a_circle() -> None:
    assert not circles(imports())


def test_rooms_have_few_arrows_between_them() -> None:
    arrows = {
        (room(name), room(other))
        for name, others in imports().items()
        for other in others
        if room(other) != room(name)
    }
    assert len(arrows) <= ARROWS


FRAMEWORKS = {column.framework for column in frameworks.known()}


def of_a_framework(node: ast.AST | None, constants: Mapping[str, ast.expr]) -> bool:
    """Whether an expression is the name of a framework or of a column, or has one in it."""
    if isinstance(node, ast.Name) and node.id in constants:
        return of_a_framework(constants[node.id], {})
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value.partition("[")[0] in FRAMEWORKS
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(of_a_framework(each, constants) for each in node.elts)
    return False


def keyed(module: ast.Module) -> Iterator[int]:
    """The lines where a dictionary has a framework's name for a key, or it is compared with one."""
    constants = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(module):
        parts: Iterable[ast.expr | None] = ()
        if isinstance(node, ast.Dict):
            parts = node.keys
        elif isinstance(node, ast.Compare):
            parts = (node.left, *node.comparators)
        elif isinstance(node, ast.Subscript):
            parts = (node.slice,)
        elif isinstance(node, ast.MatchValue):
            parts = (node.value,)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            named = [each for each in node.keywords if each.arg in FRAMEWORKS]
            if node.func.id == "dict" and named:
                yield node.lineno
        if any(of_a_framework(part, constants) for part in parts):
            yield node.lineno  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", sorted(n for n in FILES if not n.startswith("implementations")))
def test_nobody_outside_asks_which_framework_it_is(name: str) -> None:
    assert not list(keyed(tree(name)))


@pytest.mark.parametrize(
    "code",
    [
        '{"jax": 1}', 'column == "keras[jax]"', 'column in ("a", "pytorch")', 'table["keras"]',
        'dict(jax=1)', 'ONE = "jax"\nif column == ONE: pass',
        'match column:\n    case "jax": pass',
    ],
)  # fmt: skip
def test_such_a_question_is_seen(code: str) -> None:
    assert list(keyed(ast.parse(code)))
    harmless = code.replace("jax", "max").replace("pytorch", "pie").replace("keras", "kept")
    assert not list(keyed(ast.parse(harmless)))


def test_a_circle_is_seen() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}
    assert circles(graph) == [{"a", "b", "c"}] * 3
