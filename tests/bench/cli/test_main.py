from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.cli.commands import COMMANDS
from bench.engine.child import ROOT
from bench.job.plans import EMBEDDED, SWEPT


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"python -m bench {command}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["lst"], 'Did you mean "list"'),
        (["list", "--jsn"], "bench list: Unknown option: --jsn. Did you mean --json?"),
        (["list", "--jsn=1"], "--jsn. Did you mean --json"),
        (["list", "more"], "['more']"),
        (["report", "--results", ""], "--results: it is empty"),
        (["agree", "--dataset"], "--dataset"),
        (["agree", "--dataset", "--methods", "cam"], "--dataset"),
        (["agree", "--images", "\u0663"], "whole number"),
        (["report", "--results"], "--results requires an argument"),
        (["agree", "--frameworks", "keras["], "unknown column 'keras['; did you mean keras[jax]"),
        (["agree", "--frameworks", "keras[]"], "unknown column 'keras[]'"),
        (["agree", "--frameworks", "keras]"], "did you mean keras"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "--help" in said
    assert words in said


@pytest.mark.parametrize("name", ["x" * 256, "x" * 5000, "/a" * 2500], ids=len)
@pytest.mark.parametrize(
    "words",
    [
        ["predict", "--framework", "reference", "--architecture", "cnn-gap", "--images"],
        ["show", "--architecture"],
        ["show", "--network"],
        ["import", "m.onnx", "--out"],
        ["import", "--out", "there", "--"],
        ["report", "--results"],
        ["report", "--baseline"],
        ["agree", "--network"],
        ["conform", "--explainer"],
    ],
    ids=" ".join,
)
def test_names_that_no_disk_takes_are_one_line(
    words: list[str], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, name]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and len(told.err) < 1000 and not told.out


@pytest.mark.parametrize("columns", ["0", "1", "x", "9" * 5000])
def test_help_ends_whatever_the_terminal_says(
    columns: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert main(["explain", "--help"]) == 0
    assert "--images" in capsys.readouterr().out


def test_help_offers_what_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    told = {}
    for command in COMMANDS:
        main([command, "--help"])
        told[command] = " ".join(capsys.readouterr().out.replace("│", "").split())
    assert f"by default {' and '.join(EMBEDDED)}; timed and swept: {SWEPT}" in told["agree"]
    assert "reference" in told["explain"] and "--method" not in told["train"]


def apart(*words: str, to: str | None = None, **environment: str) -> tuple[int, str, bytes]:
    """Status, standard error and output of a command in a process of its own."""
    with Path(to).open("wb") if to else nullcontext(subprocess.PIPE) as out:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *words], cwd=ROOT, check=False, stdout=out,
            stderr=subprocess.PIPE, env={**os.environ, **environment},
        )  # fmt: skip
    return done.returncode, done.stderr.decode(), done.stdout or b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["list", "--help"]])
def test_an_answer_that_cannot_be_written_is_one_line(words: list[str]) -> None:
    status, said, _ = apart(*words, to="/dev/full")
    assert status == 2 and said.count("\n") == 1 and "No space left on device" in said


def test_a_terminal_that_cannot_show_a_letter_is_shown_another() -> None:
    for encoding, plain in (("utf-8", False), ("ascii", True)):
        status, said, shown = apart("agree", "--help", PYTHONIOENCODING=encoding)
        assert (status, said, shown.isascii()) == (0, "", plain)
    text = "from bench.__main__ import main; main(['list']); "
    text += "from bench.engine.progress import answer; answer.print('\u00d72')"
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, check=True, capture_output=True, env=environment
    )
    assert done.stdout.endswith(b"\\xd72\n")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_fault(closed: str) -> None:
    command = f"exec {sys.executable} -m bench show --architecture cnn-gap {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


STRUCK = """
import os, runpy, signal, sys
class Strike:
    def find_spec(name, path=None, target=None):
        if name == "bench.cli.arguments":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Strike)
signal.signal(signal.SIGINT, signal.default_int_handler)  # jobs in the background may ignore it
sys.argv = ["bench", "list"]
runpy.run_module("bench", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_while_a_command_loads_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STRUCK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_too_little_memory_to_start_is_one_line() -> None:
    limit = resource.RLIMIT_AS, (60_000 << 10, 60_000 << 10)
    done = subprocess.run(
        [sys.executable, "-m", "bench", "explain", "--framework", "reference", "--method",
         "grad_cam", "--images", "i.npy", "--out", "o"],
        cwd=ROOT, preexec_fn=lambda: resource.setrlimit(*limit), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "not enough memory to start; allow more by `ulimit -v`" in done.stderr
