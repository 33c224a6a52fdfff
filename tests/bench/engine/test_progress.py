from __future__ import annotations

import io

import pytest
from rich.console import Console

from bench.engine import progress


def test_plain_lines_when_piped(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=stream, highlight=False, width=20))
    with progress.ticker("agree", 2) as ticker:
        ticker.say("working on [it] for quite some time")
        ticker.tick("keras[jax] grad_cam ok, with more words than are wide")
        ticker.tick("keras[torch] failed: [Errno 2]", ok=False)
    lines = stream.getvalue().splitlines()
    assert lines == [
        "  agree: working on [it] for quite some time",
        "[agree 1/2 0 s] keras[jax] grad_cam ok, with more words than are wide",
        "[agree 2/2 0 s] keras[torch] failed: [Errno 2]",
    ]


def test_answers_go_to_standard_output_whole(capsys: pytest.CaptureFixture[str]) -> None:
    text = f"| [bold] | {'long ' * 50}|"
    progress.answer.print(text)
    progress.console.print("how it goes")
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{text}\n", "how it goes\n")


def test_a_bar_on_a_terminal_keeps_what_went_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, highlight=False, width=100)
    monkeypatch.setattr(progress, "console", console)
    with progress.ticker("agree", 2) as ticker:
        ticker.say("working")
        ticker.tick("this was fine")
        ticker.tick("keras[torch] failed", ok=False)
    shown = stream.getvalue()
    assert "  keras[torch] failed" in shown and "  this was fine\n" not in shown
    assert "2/2" in shown and "\x1b[" in shown
