from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.cli.arguments import app, parse
from bench.cli.commands import COMMANDS
from bench.record.runs import RESULTS
from bench.report import answers, site, worth
from bench.report.charts import contrast, selection, training
from bench.report.site import code, formula, shell
from bench.report.site.material import Material
from bench.report.site.pages import own, start
from bench.subject import pages
from implementations.architecture import graph, registered

pytestmark = pytest.mark.skipif(site.missing() is not None, reason=str(site.missing()))
HOSTILE = "<img src=x onerror=alert(1)>&\"'{{7*7}}</script>\x1b[31m\u202e=1+1"


class Links(HTMLParser):
    """What a page points to, and the elements it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)


def test_every_link_leads_to_a_file_of_the_site(folder: Path) -> None:
    for page in folder.rglob("*.html"):
        found = Links(page)
        assert len(found.ids) == len(set(found.ids)), page
        for link in found.links:
            if link.startswith("data:image/png;base64,"):
                continue
            assert "://" not in link and not link.startswith("//"), (page, link)
            target, _, place = link.partition("#")
            assert not target or (page.parent / target).exists(), (page, link)
            if place and not target:
                assert place in found.ids


def test_there_is_a_page_for_each_method_and_kind_of_node(folder: Path) -> None:
    for family, found in (("methods", pages.of_methods()), ("nodes", pages.of_nodes())):
        for each in found:
            text = (folder / family / f"{each.name}.html").read_text(encoding="utf-8")
            shown = html.unescape(re.sub(r"<[^>]+>", "", text))
            for source in each.builders.values():
                assert all(line.strip() in shown for line in source.splitlines())


def test_its_data_are_those_of_the_rows(folder: Path) -> None:
    text = (folder / "data" / "cells.js").read_text(encoding="utf-8")
    name, _, rest = text.partition(", ")
    data = json.loads(rest.removesuffix(");\n"))
    assert name == 'camparison.take("cells"' and data["length"] == 16
    columns = data["columns"]
    words = columns["column"]["words"]
    per_image = {
        (words[column], columns["mode"]["words"][mode], batch): ms
        for column, mode, batch, ms, task in zip(
            columns["column"]["of"], columns["mode"]["of"], columns["batch"],
            columns["ms_per_image"], columns["task"]["of"], strict=True,
        )
        if columns["task"]["words"][task] == "heatmap"
    }  # fmt: skip
    assert per_image["pytorch", "compiled", 64] == pytest.approx(10 / 64, rel=1e-4)
    assert per_image["jax", "eager", 1] == pytest.approx(30.3, rel=1e-2)


def test_the_first_page_has_the_answers_of_the_tables(folder: Path) -> None:
    text = html.unescape((folder / "index.html").read_text(encoding="utf-8"))
    numbers = answers.read(folder.parent / "tables" / "price_of_jit.csv")
    assert len(numbers)
    assert "comparisons of Grad-CAM pass" in text and answers.ABSENT in text
    assert "m1" in text and "a CPU" in text


def test_it_is_small_and_lists_all_that_it_wrote(folder: Path, written: list[Path]) -> None:
    there = [path for path in folder.rglob("*") if path.is_file()]
    assert sorted(there) == sorted(set(written))
    assert sum(path.stat().st_size for path in there) < 6e6


def test_shared_files_do_not_change_with_the_rows(folder: Path, tmp_path: Path) -> None:
    other = shell.Shell(tmp_path, [])
    other.assets()
    for path in other.written:
        same = folder / path.relative_to(tmp_path)
        assert same.read_bytes() == path.read_bytes()


def test_whatever_a_row_holds_is_shown_as_text(
    make: Any, rows: list[dict[str, Any]], material: Any, tmp_path: Path
) -> None:
    names = {"dataset": HOSTILE, "architecture": HOSTILE, "layer": HOSTILE, "machine_id": HOSTILE}
    head = {**make.head, "cpu": HOSTILE, "machine_id": HOSTILE}
    about = material([{**row, **names, "reason": HOSTILE} for row in rows], tmp_path)
    about = Material(about.frame, [head], about.tables, about.folder)
    for path in site.write(about, tmp_path):
        if "assets" in path.parts or path.suffix == ".png":
            continue
        text = path.read_text(encoding="utf-8")
        assert all(char.isprintable() or char == "\n" for char in text), path
        assert "<img src=x" not in text and "/script>&" not in text, path
        assert "{{" in text or "onerror" not in text, path  # no template of ours reads it
        if path.suffix == ".html":
            assert "x" not in Links(path).links


def test_without_rows_there_are_the_pages_of_the_code(
    make: Any, material: Any, tmp_path: Path
) -> None:
    about = Material(make.frame([]), [], {}, tmp_path / "tables")
    written = site.write(about, tmp_path)
    assert {path.name for path in written} >= {"index.html", "choose.html", "grad_cam.html"}
    assert "not measured" in (tmp_path / "site" / "index.html").read_text(encoding="utf-8")


def test_an_explainers_worth_is_told_with_the_cheapest_that_is_not_told_apart() -> None:
    line = {"dataset": "d", "architecture": "a", "device": "cpu", "machine_id": "m", "stale": False,
            "pointing_game_correct_n": 40, "control": False}  # fmt: skip
    scores = [("dear", 50.0, 0.9, 0.8, 1.0), ("cheap", 1.0, 0.85, 0.75, 0.95),
              ("poor", 1.0, 0.3, 0.2, 0.4)]  # fmt: skip
    names = ("explainer", "evaluations", "pointing_game_correct", "pointing_game_correct_ci_lo",
             "pointing_game_correct_ci_hi")  # fmt: skip
    frame = pd.DataFrame([line | dict(zip(names, each, strict=True)) for each in scores])
    control = line | {"explainer": "edges", "control": True, "pointing_game_correct": 1.0}
    found = worth.worth(pd.DataFrame([*frame.to_dict("records"), control]), answers.OWN)
    assert found == (
        "dear, pointing game 0.900 (0.800–1.00), at 50 evaluations an image; not told apart at 1: "
        "cheap, 0.850 (0.750–0.950); nor is it told from edges",
        "40 images of d that a classifies correctly",
    )
    lettered = frame.assign(pointing_game_letters=["a", "b", "c"])
    told, _ = worth.worth(lettered, answers.OWN) or ("", "")
    assert "not told apart" not in told, "letters are of pairs, and say more than two intervals"
    assert worth.worth(pd.DataFrame([control]), answers.OWN) is None


@pytest.mark.parametrize(
    ("scores", "told", "sure"),
    [
        ((0.4, 0.3, 0.2), "a on d: yes, Grad-CAM 0.400 at 1 evaluation an image; not above it: "
         "SHAP 0.300 at 68, integrated gradients 0.200 at 52", "fewer than 30"),
        ((0.1, 0.6, 0.15), "a on d: no, Grad-CAM 0.100 at 1 evaluation an image; above it: SHAP "
         "0.600 at 68; not above it: integrated gradients 0.150 at 52", "fewer than 30"),
    ],
)  # fmt: skip
def test_whether_grad_cam_is_enough_is_told_by_intervals_with_what_each_costs(
    scores: tuple[float, ...], told: str, sure: str
) -> None:
    names = (("grad_cam", 1.0), ("partition_shap[grid=3]", 68.0), ("integrated_gradients", 52.0))
    lines = [
        {"dataset": "d", "architecture": "a", "device": "cpu", "machine_id": "m", "stale": False,
         "control": False, "explainer": name, "evaluations": cost, "removal_gain_correct": score,
         "removal_gain_correct_ci_lo": score - 0.1, "removal_gain_correct_ci_hi": score + 0.1,
         "removal_gain_correct_n": 16}
        for (name, cost), score in zip(names, scores, strict=True)
    ]  # fmt: skip
    enough = pd.DataFrame(lines).assign(removal_gain_correct_n=40)
    found = worth.good_enough(enough, None)
    assert found is not None and found[0] == told and "fewer" not in found[1]
    found = worth.good_enough(pd.DataFrame(lines), None)
    assert found is not None and "a on d: not known, Grad-CAM" in found[0] and sure in found[1]
    control = enough.iloc[:1].assign(explainer="control.edges", control=True)
    found = worth.good_enough(pd.concat([enough, control]), None)
    asked = found is not None and "not known, it is not told from control.edges" in found[0]
    assert asked == ("yes" in told), "above Grad-CAM is above it, whatever a control scores"
    assert worth.good_enough(pd.DataFrame(lines[:1]), None) is None
    assert worth.good_enough(pd.DataFrame(lines[1:]), None) is None


def test_what_libraries_compute_is_counted() -> None:
    lines = [("saliency", "its defaults", "", ""), ("grad_cam", "", "normalise: max", "max"),
             ("lrp", "x=1", "", ""), ("fem", "", "", "")]  # fmt: skip
    frame = pd.DataFrame(lines, columns=["like", "same_with", "shipped", "normalise"])
    frame = frame.replace("", float("nan"))
    frame.insert(0, "reason", [None, None, None, "drawn at random"])
    found = worth.conventions(frame, None)
    assert found is not None
    assert found[0].startswith("1 of 4 offers") and "1 more by an option; 1 by another" in found[0]
    assert found[1] == "they differ most often by normalise (1)"


@pytest.mark.parametrize("command", own.COMMANDS.values(), ids=list(own.COMMANDS))
def test_every_command_of_ones_own_page_is_taken(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my-network").mkdir()
    form = graph.document(registered.get("cnn-gap", (8, 8, 1), 10))
    (tmp_path / "my-network" / "architecture.json").write_text(json.dumps(form))
    (tmp_path / "my-network" / "weights.safetensors").touch()
    monkeypatch.chdir(tmp_path)
    words = [word.replace("my_method", "grad_cam") for word in command.split()[3:]]
    made = parse(app(COMMANDS, ""), words)
    assert made is not None and made.command == words[0]


def test_the_four_questions_lead_to_a_page_that_answers_them(folder: Path) -> None:
    assert len(start.QUESTIONS) == 4
    for _, _, links in start.QUESTIONS:
        for address, _ in links:
            page, _, place = address.partition("#")
            assert not place or place in Links(folder / page).ids, address


def test_a_users_page_has_the_published_machines_beside_it(
    rows: list[dict[str, Any]], material: Any, tmp_path: Path
) -> None:
    about = replace(material(rows, tmp_path), published=RESULTS / "tables")
    site.write(about, tmp_path)
    text = html.unescape((tmp_path / "site" / "index.html").read_text(encoding="utf-8"))
    _, _, beside = text.partition("The published machines beside yours")
    found = answers.agreement(answers.read(RESULTS / "tables" / "agreement.csv"), answers.OWN)
    assert found and found[0] in beside


def test_a_users_choice_has_the_published_cells_under_their_machines_name(
    rows: list[dict[str, Any]], material: Any, tmp_path: Path
) -> None:
    for name, machine in (("others", "m2"), ("mine", "m1")):
        own = material(rows, tmp_path / name)
        site.write(replace(own, frame=own.frame.assign(machine_id=machine)), tmp_path / name)
    mine = material(rows, tmp_path / "mine")
    beside = replace(mine, published=tmp_path / "others" / "tables").cells
    assert beside["machine_id"].value_counts().to_dict() == {"m1": 16, "m2 (published)": 16}
    own, others = (part.drop(columns="machine_id") for part in (beside[:16], beside[16:]))
    assert shell.coded(own) == shell.coded(others)
    again = replace(mine, published=tmp_path / "mine" / "tables").cells
    assert len(again) == 16  # what is published of one's own machine stands there already


SOURCES = {
    "one": "def one(x):\n    '''About.'''\n    import numpy\n    a = x\n    b = a\n    return b",
    "two": "def two(x):\n    a = x\n\n    def inner(y):\n        return y\n\n    b = inner(a)\n"
    "    return b",
}


def test_code_side_by_side_has_all_lines_of_each_and_its_steps_in_line() -> None:
    steps = code.aligned(SOURCES)
    assert [step.name for step in steps] == [code.START, "a", "b", "return"]
    for name, source in SOURCES.items():
        text = "\n".join(re.sub(r"<[^>]+>", "", str(step.cells[name])) for step in steps)
        kept = [line for line in html.unescape(text).splitlines() if line.strip()]
        assert kept == [line for line in source.splitlines() if line.strip()]
    assert "inner" in steps[2].cells["two"] and "import" in steps[0].cells["one"]


@pytest.mark.parametrize(
    ("plain", "found"),
    [
        ("w_c = mean_hw(d s_k / d A_c)", r"\frac{\partial s_{k} }{\partial A_{c} }"),
        ("S = sum_c w_c A_c", r"\sum_{c}"),
        ("heatmap = relu(S)", r"\operatorname{relu}"),
        ("(x - x0)_c", "_{c}"),
        ("a <= b", r"\le"),
    ],
)
def test_formulas_become_latex(plain: str, found: str) -> None:
    assert found in formula.latex(plain)
    assert "<math" in str(formula.typeset(plain))


def test_every_formula_of_every_page_is_typeset() -> None:
    for page in (*pages.of_methods(), *pages.of_nodes()):
        for part in formula.paragraphs(page.about):
            if "    " in part.text or part.text.startswith(" "):
                assert part.formulas, (page.name, part.text)


def test_markup_in_a_formula_is_text() -> None:
    assert "<script" not in str(formula.typeset("x = <script>alert(1)</script>"))


def test_charts_are_vega_lite_without_an_address() -> None:
    for each in (*selection.every(), *contrast.every(), *training.every()):
        spec = json.loads(str(each.spec))
        assert spec["$schema"].startswith("https://vega.github.io/schema/vega-lite/")
        assert "url" not in json.dumps(spec)


def test_every_layer_of_a_chart_has_its_data() -> None:
    def marks(form: dict[str, Any], data: Any) -> Iterator[Any]:
        mine = form.get("data", data)
        for part in form.get("layer", ()):
            yield from marks(part, mine)
        if "mark" in form:
            yield mine

    for each in (*selection.every(), *contrast.every(), *training.every()):
        found = list(marks(dict(each.form), None))
        assert found and all(data == {"name": "selection"} for data in found), each.name


def test_plain_data_closes_no_script() -> None:
    text = shell.plain({"a": "</script><!--", "b": float("nan"), "c": [float("inf"), 1.5]})
    assert "<" not in text and json.loads(text) == {
        "a": "</script><!--",
        "b": None,
        "c": [None, 1.5],
    }
