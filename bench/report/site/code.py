"""Code as people read it: coloured, and several builders side by side with their steps in line."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any

START = "start"


@dataclass(frozen=True)
class Step:
    """A row of code side by side: what it makes, and each builder's lines, coloured."""

    name: str
    cells: Mapping[str, Any]


@cache
def coloured(source: str, *, numbers: bool = True) -> Any:
    """Python as HTML, escaped and coloured.

    Without `numbers` these and what stands between them have no colour: of a file of literals that
    is most of it, each with markup of its own.
    """
    from markupsafe import Markup
    from pygments import format as written
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer
    from pygments.token import Number, Operator, Punctuation, Text

    def plain(kind: Any) -> bool:
        return kind in Number or kind in Punctuation or kind is Operator or kind in Text

    tokens = PythonLexer(stripnl=False, ensurenl=False).get_tokens(source)
    if not numbers:
        tokens = ((Text if plain(kind) else kind, value) for kind, value in tokens)
    return Markup(written(tokens, HtmlFormatter(nowrap=True)))


def aligned(sources: Mapping[str, str]) -> list[Step]:
    """The steps that all sources take, by what they assign, each with every source's lines.

    A source's lines between two of these steps belong to the later one, as they lead to it; those
    after the last to the last.
    """
    marks = {name: _marks(source) for name, source in sources.items()}
    common = reduce(_common, ([key for _, key in found] for found in marks.values()))
    cut = {name: _cut(sources[name], marks[name], common) for name in sources}
    named = [START, *common]
    return [
        Step(key, {name: coloured(parts[n]) for name, parts in cut.items()})
        for n, key in enumerate(named)
        if any(parts[n].strip() for parts in cut.values())
    ]


def _marks(source: str) -> list[tuple[int, str]]:
    """The last line of each statement that makes something named, and the name, in order."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            first = target.elts[0] if isinstance(target, ast.Tuple) else target
            if isinstance(first, ast.Name):
                found.append((node.end_lineno or node.lineno, first.id))
        elif isinstance(node, ast.Return):
            found.append((node.end_lineno or node.lineno, "return"))
    return sorted(found)


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    """The longest common subsequence."""
    best: list[list[list[str]]] = [[[] for _ in range(len(other) + 1)] for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            longer = max(best[i][j + 1], best[i + 1][j], key=len)
            best[i + 1][j + 1] = [*best[i][j], a] if a == b else longer
    return best[-1][-1]


def _cut(source: str, marks: Sequence[tuple[int, str]], common: Sequence[str]) -> list[str]:
    """The source's lines by step: the head, then those up to and with each common mark."""
    lines = source.splitlines()
    ends = [_head(source)]
    rest = list(marks)
    for key in common:
        while rest[0][1] != key:
            rest.pop(0)
        ends.append(rest.pop(0)[0])
    ends[-1] = len(lines)
    starts = [0, *ends[:-1]]
    return ["\n".join(lines[a:b]).strip("\n") for a, b in zip(starts, ends, strict=True)]


def _head(source: str) -> int:
    """The last line of a function's signature, docstring and imports."""
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    last = function.body[0].lineno - 1
    for node in function.body:
        said = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (said or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        last = node.end_lineno or last
    return last
