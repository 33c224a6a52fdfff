from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.files import cell
from bench.report.forms import strong, text
from bench.report.render import clean, escape, markdown, terminal
from bench.report.table import Shown, Table, View

HOSTILE = "a|b `c` $d$ <!-- end --> <b>&amp; [x](y) *s* ~~t~~ \\ \x1b[31m\u202e\nnext"


def table(name: str) -> Table:
    view = View(("name",), (Shown("name", text, ("name",)), Shown("it", _it, ("name",))))
    return Table("stem", "Title", pd.DataFrame([{"name": name}]), [view], "`ours`")


def _it(name: str) -> str:
    return strong(name, True)


def test_names_are_data_and_no_markup() -> None:
    made = markdown(table(HOSTILE), ["`first`", f"Machine {HOSTILE}."])
    lines = made.splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len(rows) == 3  # the heading, the rule and one line, whatever the name holds
    bare = rows[2].replace("\\\\", "").replace("\\|", "")
    assert bare.count("|") == 3
    assert "<" not in made and "\x1b" not in made and "\u202e" not in made
    assert "](" not in made and "~~" not in made.replace("\\~\\~", "")
    for sign in "$`*":
        assert rows[2].split(" | ")[0].replace(f"\\{sign}", "").count(sign) == 0
    assert made.startswith("# Title\n\n`ours`\n\n## a\\|b")  # what is ours stays markup
    assert rows[2].endswith("** |") and "`first`" in made


def test_the_terminal_sees_texts_in_line_and_no_control_characters() -> None:
    shown = terminal(table(HOSTILE))
    assert "\x1b" not in shown and "\u202e" not in shown and "a|b `c` $d$" in shown
    head, rule, *lines = shown.split("\n\n")[-2].splitlines()
    assert len(lines) == 1 and rule.startswith("---")
    assert head.index("it") == rule.index(" -") + 1 == lines[0].rindex("a|b")


@given(st.text())
def test_a_text_is_one_line_however_it_is_written(name: str) -> None:
    assert all(char.isprintable() for char in clean(name))
    assert len(escape(name).splitlines()) <= 1
    assert "<" not in escape(name)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x", "=cmd|'/c calc'!A0"])
def test_no_spreadsheet_takes_a_name_for_a_formula(name: str) -> None:
    assert cell(name) == f"'{name}"
    assert cell("grad_cam") == "grad_cam"
