from __future__ import annotations

import importlib
from pathlib import Path

from bench.subject import stages

NEW = '''"""Counts the images. And more.

At length."""
EXAMPLES = ("count",)


def cells(request, networks):
    return []


def measure(cell, context):
    return []
'''


def test_the_main_job_is_in_its_order() -> None:
    order = stages.main_job()
    assert order[:4] == ("train", "steps", "agree", "time") and "contrast" in order
    assert set(order) <= set(stages.names())


def test_every_stage_can_be_run() -> None:
    for stage in stages.stages():
        module = stages.load(stage.name)
        assert module.__name__ == stage.module and stage.title
        assert hasattr(module, "run") or (hasattr(module, "cells") and hasattr(module, "measure"))


def test_a_stage_is_one_new_file_or_folder(tmp_path: Path) -> None:
    (tmp_path / "count.py").write_text(NEW)
    (tmp_path / "helper.py").write_text('"""No stage."""\n\n\ndef measure(cell): ...\n')
    (tmp_path / "weigh").mkdir()
    (tmp_path / "weigh" / "stage.py").write_text('"""Weighs."""\nMAIN = 2\n\n\ndef run(job): ...\n')
    weigh, count = stages.stages(tmp_path)
    assert weigh[:2] == ("weigh", f"bench.{tmp_path.name}.weigh.stage") and weigh.main == 2
    assert count[2:] == ("Counts the images. And more", ("count",), None, False)


def test_listing_them_imports_none() -> None:
    text = Path(str(importlib.import_module("bench.subject.stages").__file__)).read_text()
    assert "import numpy" not in text and "from bench" not in text
