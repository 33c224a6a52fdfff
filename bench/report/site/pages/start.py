"""The first page: four questions, each answered in a sentence with its figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.record.schema import DEVICES
from bench.report import answers, worth
from bench.report.site.material import IMPORTS, Material
from bench.report.site.shell import Page
from bench.subject import pages

ORDER = 0
PATH = "index.html"
TITLE = "Start"
QUESTIONS = (
    (
        "My heatmaps differ: which is right, and why?",
        (
            ("The framework?", "agreement", answers.agreement),
            ("The library?", "conventions", worth.conventions),
        ),
        (
            ("agreement.html", "Every column against the oracle"),
            ("conformance.html", "What each library computes"),
            ("own.html#heatmap", "Find the convention of yours"),
        ),
    ),
    (
        "Which framework, library and mode is fastest, and when does compiling pay?",
        (
            ("Batches:", "choose", answers.batches),
            ("One image at a time:", "batch_scaling", answers.one_image),
            ("A few calls only:", "price_of_jit", answers.few_calls),
            ("Which library:", "libraries", answers.library),
            ("Training:", "choose", answers.training),
            ("On a GPU:", "choose", answers.gpu),
        ),
        (("choose.html", "Choose for your device, network and batch"),),
    ),
    (
        "Is Grad-CAM good enough, or do I need SHAP or integrated gradients, and at what cost?",
        (
            ("Grad-CAM:", "contrast", worth.good_enough),
            ("The first by score:", "contrast", worth.worth),
        ),
        (("contrast.html", "Cost, faithfulness and likeness of every explainer"),),
    ),
    (
        "What of my own network, method or heatmap?",
        (("A network, by ONNX:", IMPORTS, worth.imported),),
        (
            ("own.html#network", "Your network, your photograph"),
            ("own.html#explainer", "Your explainer"),
            ("own.html#method", "A method of yours beside all others"),
        ),
    ),
)


def make(material: Material) -> Iterator[Page]:
    """The one page."""
    foot = material.tables["choose"][1] if "choose" in material.tables else ()
    context = {
        "answers": [_answered(material, *question) for question in QUESTIONS],
        "place": material.place,
        "methods": pages.of_methods(),
        "machines": material.machines,
        "lacking": list(_lacking(material)),
        "published": list(_published(material)),
        "changed": _changed(material),
    }
    yield Page(PATH, "Start", "start.html", context, foot=foot)


def _published(material: Material) -> Iterator[dict[str, str]]:
    """The answers of the published tables to what has a single figure, where these are others."""
    if material.published is None:
        return
    for _, asked, _ in QUESTIONS:
        for lead, table, answer in asked:
            if table == IMPORTS:
                continue
            numbers = answers.read(material.published / f"{table}.csv")
            if found := answers.ask(answer, numbers, answers.OWN):
                yield {"lead": lead, "told": found[0], "sure": found[1]}


def _changed(material: Material) -> dict[str, str] | None:
    """What the table of changes says in a sentence, where there is one."""
    table = material.table("changes")
    if table is None:
        return None
    return {"title": table.title, "told": table.note.split("\n\n")[1]}


def _answered(
    material: Material, question: str, asked: tuple[Any, ...], links: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    lines = []
    for lead, table, answer in asked:
        numbers = material.numbers(table)
        found = answers.ask(answer, numbers, material.place)
        told, sure = found or (answers.ABSENT, "no run has it")
        whence = "own.html#imports" if table == IMPORTS else f"tables/{table}.html"
        whence = whence if found else ""
        lines.append({"lead": lead, "told": told, "sure": sure, "whence": whence})
    known = any(line["told"] != answers.ABSENT for line in lines)
    return {"question": question, "lines": lines, "told": known, "links": links}


def _lacking(material: Material) -> Iterator[str]:
    """What nobody can read off this site, as it was never measured here."""
    timed = material.cells
    for device in DEVICES:
        if device not in set(timed["device"]):
            yield f"Times on a {device}: no run was made with --device {device}."
    stale = timed["stale"].astype(bool).mean() if len(timed) else 0.0
    if stale:
        yield f"{stale:.0%} of the times are of older code, or of an older way of measuring (†)."
    for stage, what in (("contrast", "What heatmaps are worth"), ("train", "Training"),
                        ("agree", "Agreement with the oracle"), ("time", "Times")):  # fmt: skip
        if not (material.frame["stage"] == stage).any():
            yield f"{what}: no run has rows of the stage {stage}."
    yield "Any machine but those above: run `nox -s compare` to have your own beside them."
