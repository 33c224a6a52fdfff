"""The formulas of docstrings, typeset: from plain text by way of LaTeX to MathML.

A docstring's indented lines are its formulas, several to a line where four blanks stand between.
What is not understood stays as it was typed, in a `pre`: nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

OPERATORS = {"sum": r"\sum", "max": r"\max", "min": r"\min", "exp": r"\exp", "log": r"\log"}
NAMED = (
    "mean", "relu", "softmax", "sign", "median", "resize", "norm", "rank", "Phi", "diag", "tanh",
    "abs", "argmax", "sqrt",
)  # fmt: skip
GREEK = ("alpha", "beta", "gamma", "epsilon", "phi", "sigma", "lambda", "mu", "rho")
TOKEN = re.compile(
    r"(?P<word>[A-Za-z][A-Za-z0-9]*)(?P<prime>')?(_(?P<sub>[A-Za-z0-9]+|\{[^}]*\}))?"
    r"|(?P<number>\d+(\.\d+)?)|(?P<close>[)\]])_(?P<below>[A-Za-z0-9]+)|(?P<many><=|>=|->|!=|\.\.\.)|(?P<space>\s+)|(?P<sign>.)"
)
PARTIAL = re.compile(r"\bd ?(\w+(?:\([^()]*\))?) ?/ ?d ?((?:\w+)|\([^()]*\))")
SIGNS = {"*": r"\,", "<=": r"\le", ">=": r"\ge", "->": r"\to", "!=": r"\ne", "...": r"\ldots",
         "{": r"\{", "}": r"\}", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "^": "^",
         "~": r"\sim", "\\": r"\backslash"}  # fmt: skip


@dataclass(frozen=True)
class Paragraph:
    """A part of a docstring: words, or formulas as MathML beside what was typed."""

    text: str
    formulas: tuple[Any, ...] = ()


def paragraphs(about: str) -> Iterator[Paragraph]:
    """The parts of a docstring, in order."""
    for block in re.split(r"\n\s*\n", about.strip("\n")):
        lines = block.splitlines()
        if not all(line.startswith("    ") for line in lines):
            yield Paragraph(" ".join(block.split()))
            continue
        found = [typeset(part) for line in lines for part in re.split(r"\s{4,}", line.strip())]
        whole = "\n".join(line.removeprefix("    ") for line in lines)
        yield Paragraph(whole, tuple(found) if all(found) else ())


@cache
def typeset(formula: str) -> Any:
    """MathML of a formula in plain text; None where it cannot be made."""
    from latex2mathml.converter import convert
    from markupsafe import Markup

    try:
        return Markup(convert(latex(formula), display="block"))
    except Exception:  # the converter raises whatever its parser meets
        return None


def latex(formula: str) -> str:
    """LaTeX of a formula in plain text."""
    parts = []
    last = 0
    for match in PARTIAL.finditer(formula):
        parts.append(_plain(formula[last : match.start()]))
        above, below = match[1], match[2].strip("()")
        parts.append(rf"\frac{{\partial {_plain(above)}}}{{\partial {_plain(below)}}}")
        last = match.end()
    return "".join([*parts, _plain(formula[last:])])


def _plain(text: str) -> str:
    out = []
    for match in TOKEN.finditer(text):
        if match["word"]:
            out.append(_word(match["word"], match["prime"] or "", match["sub"] or ""))
        elif match["close"]:
            out.append(f"{match['close']}_{{{_identifier(match['below'])}}} ")
        elif match["space"]:
            out.append(" ")
        elif match["number"]:
            out.append(match[0])
        else:
            out.append(SIGNS.get(match[0], match[0]) + " ")
    return "".join(out)


def _word(word: str, prime: str, sub: str) -> str:
    below = sub.strip("{}")
    if below:
        below = f"_{{{_identifier(below)}}}"
    if word in OPERATORS:
        return f"{OPERATORS[word]}{below} "
    if word in GREEK:
        return rf"\{word}{below}{prime} "
    if word == "r01":
        return rf"\text{{r01}}{below} "
    if word in NAMED:
        return rf"\operatorname{{{word}}}{below} "
    if len(word) == 2 and word[1].isdigit():
        return f"{word[0]}_{{{word[1]}}} "
    if len(word) > 2 or (len(word) == 2 and not below and word.islower()):
        return rf"\text{{ {word} }}{below}{prime}"
    return f"{word}{below}{prime} "


def _identifier(name: str) -> str:
    return name if len(name) <= 2 else rf"\text{{{name}}}"
