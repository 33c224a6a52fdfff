"""The first page: four questions, each answered in a sentence with its figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.record.schema import DEVICES
from bench.report import answers
from bench.report.site.material import Material
from bench.report.site.shell import Page
from bench.subject import pages

ORDER = 0
PATH = "index.html"
TITLE = "Start"
QUESTIONS = (
    (
        "Which framework, and is compiling worth it?",
        (
            ("Batches:", "choose", answers.batches),
            ("One image at a time:", "batch_scaling", answers.one_image),
            ("A few calls only:", "price_of_jit", answers.few_calls),
            ("Training:", "choose", answers.training),
        ),
        ("choose.html", "Choose for your device, network and batch"),
    ),
    (
        "Which method is good enough, and at what cost?",
        (
            ("The first by score:", "contrast", answers.worth),
            ("Which library for Grad-CAM:", "libraries", answers.library),
        ),
        ("contrast.html", "Cost, faithfulness and likeness of every explainer"),
    ),
    (
        "My heatmap differs: who is right?",
        (("Not the framework:", "agreement", answers.passed),),
        ("agreement.html", "Every column against the oracle"),
    ),
    (
        "I have a GPU: what changes?",
        (("", "choose", answers.gpu),),
        ("choose.html#device=gpu", "Times on a GPU"),
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
    material: Material, question: str, asked: tuple[Any, ...], link: tuple[str, str]
) -> dict[str, Any]:
    lines = []
    for lead, table, answer in asked:
        numbers = material.numbers(table)
        found = answers.ask(answer, numbers, material.place)
        told, sure = found or (answers.ABSENT, "no run has it")
        lines.append({"lead": lead, "told": told, "sure": sure})
    known = any(line["told"] != answers.ABSENT for line in lines)
    return {"question": question, "lines": lines, "told": known, "link": link[0], "where": link[1]}


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
