"""What every page of the house promises, over whatever is discovered."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import datasets
from bench import metrics
from implementations import contract, frameworks, libraries, methods
from implementations.architecture import graph, registered
from implementations.methods.card import Option

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("bench", "datasets", "implementations")
FILES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
FRAMEWORKS = ROOT / "implementations" / "frameworks"
LONGEST, PAGE = 250, 150
"""Lines of a module, and of a page with a method: its formula, its reference and its builders."""
METHOD_PAGES = sorted((ROOT / "implementations" / "methods").glob("*/[a-z]*.py"))


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(protocol: type) -> dict[str, list[str]]:
    """The functions of a protocol and their parameters."""
    return {
        name: [p for p in inspect.signature(f).parameters if p != "self"]
        for name, f in inspect.getmembers(protocol, inspect.isfunction)
        if not name.startswith("_")
    }


@pytest.mark.parametrize("name", sorted({c.framework for c in frameworks.known()}))
def test_a_framework_has_the_functions_of_the_contract(name: str) -> None:
    tree = ast.parse((FRAMEWORKS / name / "runtime.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for function, parameters in functions(contract.Framework).items():
        assert [each.arg for each in found[function].args.args] == parameters, function
        assert ast.get_docstring(found[function])


def test_columns_are_told_apart() -> None:
    columns = frameworks.known()
    labels = [column.label for column in columns]
    assert len(set(labels)) == len(labels) and {"jax", "pytorch", "keras[torch]"} <= set(labels)
    for column in columns:
        assert frameworks.column(column.framework, column.backend) == column
        assert frameworks.column(column.label) == column
        assert column.packages and set(column.packages) <= frameworks.packages()


@pytest.mark.parametrize("name", methods.names())
def test_a_method_is_a_page(name: str) -> None:
    method = methods.load(name)
    module = method.module
    card = method.card
    assert card.title and re.search(r"\d", card.paper) and card.intermediates[-1] == "heatmap"
    assert inspect.getdoc(module) and len(str(inspect.getdoc(module)).splitlines()) > 3
    options = method.resolve({})
    assert options.score == card.score and card.score in card.scores
    named = ("reference", *{c.framework for c in frameworks.columns()})
    built = [framework for framework in named if hasattr(module, framework)]
    assert "reference" in built and len(built) > 1
    for framework in built:
        builder = method.builder(framework)
        taken = ["network", "layer", "options", "compile"]
        assert list(inspect.signature(builder).parameters) == taken
        assert inspect.getdoc(builder)


@pytest.mark.parametrize("name", libraries.names())
def test_a_library_says_what_it_offers_and_why_it_differs(name: str) -> None:
    library = libraries.describe(name)
    module = library.module
    assert inspect.getdoc(module) and library.title and module.PACKAGE and module.IMPORTS
    assert library.framework in {"reference", *(c.framework for c in frameworks.columns())}
    assert library.offers
    for offer in library.offers:
        method = library.method(offer)
        offered = library.offers[offer]
        assert offered.like == "" or offered.like in methods.names()
        assert method.at in ("layer", "input") and len(method.why) > 20
        method.resolve({})


def schemas() -> Iterator[tuple[str, str, Option]]:
    """Every option of every method and offer: whose, its name, the option."""
    offered = [
        libraries.describe(name).method(offer)
        for name in libraries.names()
        for offer in libraries.describe(name).offers
    ]
    for method in [*map(methods.load, methods.names()), *offered]:
        for name, option in method.options.items():
            yield method.name, name, option


@pytest.mark.parametrize(("owner", "name", "option"), list(schemas()), ids=str)
def test_an_option_parses_its_own_default(owner: str, name: str, option: Option) -> None:
    assert name.isidentifier() and name != "score" and len(option.meaning) > 3
    assert option.parse(str(option.default)) == option.default
    json.dumps(vars(option))
    for nonsense in ("", "perhaps so", "nan", "1e999"):
        with pytest.raises(ValueError, match=r"."):
            option.parse(nonsense)


@pytest.mark.parametrize("name", registered.names())
def test_an_architecture_parses_from_its_own_document(name: str, tmp_path: Path) -> None:
    architecture = registered.get(name)
    document = json.loads(json.dumps(graph.document(architecture)))
    assert graph.parse(document, name) == architecture
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps(document))
    again = registered.get(str(path))
    assert again == architecture
    assert [node.settings for node in again.nodes] == [n.settings for n in architecture.nodes]
    assert all(node.kind in graph.KINDS for node in architecture.nodes)
    assert architecture.shapes[architecture.output] == (architecture.classes,)


@pytest.mark.parametrize("name", datasets.names())
def test_a_data_set_says_what_it_is(name: str) -> None:
    module = __import__(f"datasets.{name}", fromlist=["load"])
    assert name == module.NAME and inspect.getdoc(module)
    assert list(inspect.signature(module.load).parameters) == ["data_dir", "allow_unverified"]


@pytest.mark.parametrize("name", metrics.names())
def test_a_metric_says_what_it_measures(name: str) -> None:
    metric = metrics.load(name)
    assert isinstance(metric.card, metrics.Metric) and inspect.getdoc(metric.module)
    assert metric.card.title and metric.card.better in metrics.BETTER
    assert set(metric.card.needs) <= set(metrics.NEEDS)
    assert metric.card.budget((28, 28)) >= 0
    assert list(inspect.signature(metric.module.measure).parameters) == ["case"]


def imported(tree: ast.Module) -> Iterator[str]:
    """The packages that a module imports when it is loaded."""
    pending: list[ast.stmt] = list(tree.body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module).partition(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [
                child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)
            ]


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_framework_is_imported_at_the_top_of_its_own_files_only(path: Path) -> None:
    heavy = frameworks.packages() | {"flax", "optax", "captum", "shap", "matplotlib", "cv2"}
    found = set(imported(ast.parse(path.read_text(encoding="utf-8")))) & heavy
    if not path.is_relative_to(FRAMEWORKS):
        assert not found
        return
    owner = path.relative_to(FRAMEWORKS).parts[0]
    needed = {p for c in frameworks.known() if c.framework == owner for p in c.packages}
    assert found <= needed | ({"flax", "optax"} if owner == "jax" else set())


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.parent.parts[-1] != "frameworks"], ids=named
)
def test_nobody_asks_which_framework_it_is(path: Path) -> None:
    names = {column.framework for column in frameworks.known()}
    if path.is_relative_to(ROOT / "implementations"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            constants = {
                each.value for each in ast.walk(node) if isinstance(each, ast.Constant)
            }  # fmt: skip
            assert not constants & names, f"{named(path)}:{node.lineno} {ast.unparse(node)}"


@pytest.mark.parametrize("path", METHOD_PAGES, ids=named)
def test_a_method_is_no_longer_than_a_page(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= PAGE


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_module_can_be_read_at_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module says what it is for"
    assert path.stem != "utils" and not re.search(r"\b(TODO|FIXME|XXX)\b", text)
    assert not re.search(r"[\"'](/tmp|/root|/home|/work)/", text)
