from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from bench.cli.arguments import app, parse
from bench.cli.commands import COMMANDS
from bench.record.machine import describe
from bench.record.runs import RESULTS
from implementations.architecture import registered, weights
from implementations.frameworks import columns


@pytest.fixture
def refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line that a bad request gives; nothing may be written."""

    def refuse(status: int, *arguments: str) -> str:
        given = main([*arguments, "--results", str(tmp_path)])
        said = capsys.readouterr().err
        assert (given, said.count("\n")) == (status, 1), said
        assert not list(tmp_path.iterdir())
        return said

    return refuse


@pytest.mark.parametrize("command", ["compare", "agree", "time", "contrast", "sweep"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "digit"], "did you mean digits"),
        (["--architectures", "cnn-32-16-9"], "cnn-32-16-8"),
        (["--frameworks", "pytroch"], "did you mean pytorch?"),
        (["--frameworks", "keras[tenserflow]"], "did you mean tensorflow?"),
        (["--methods", "gradcam"], "did you mean grad_cam"),
        (["--images", "0"], "at least 1"),
        (["--images", "99999999999999999999"], "at most 2147483647"),
        (["--timeout", "nan"], "number of seconds above 0"),
        (["--timeout", "-1"], "number of seconds above 0"),
        (["--threads", "-3"], "whole number of at least 0"),
        (["--threads", "4097"], f"at most {len(os.sched_getaffinity(0))}"),
        (["--dataset", ""], "--dataset: it is empty"),
        (["--architectures", ""], "--architectures: it is empty"),
        (["--frameworks", "jax", ""], "--frameworks: it is empty"),
        (["--methods", ","], "--methods: it is empty"),
        (["--data-dir", ""], "--data-dir: it is empty"),
        (["--architectures", "no.json", "--dataset", "digits"], "no architecture no.json"),
        (["--architecture", "cnn-gap"], "Did you mean --architectures"),
        (["--dataset", "shapes64"], "name --architectures"),
    ],
    ids=str,
)
def test_bad_requests(
    refused: Callable[..., str], command: str, arguments: list[str], words: str
) -> None:
    assert words in refused(2, command, *arguments)


@pytest.mark.parametrize(
    ("option", "value", "words", "commands"),
    [
        ("--precisions", "float16", "unknown precision", ("agree", "time", "compare", "sweep")),
        ("--rounds", "0", "at least 1", ("time", "compare")),
        ("--batch", "0", "at least 1", ("time", "compare")),
        ("--epochs", "0", "at least 1", ("compare", "sweep")),
        ("--seeds", "0", "at least 1", ("compare", "contrast")),
    ],
)
def test_an_option_is_unknown_where_it_would_do_nothing(
    refused: Callable[..., str], option: str, value: str, words: str, commands: tuple[str, ...]
) -> None:
    for command in ("agree", "time", "contrast", "compare", "sweep"):
        said = refused(2, command, option, value)
        assert (words if command in commands else f"Unknown option: {option}") in said


def test_no_gpu_says_what_was_looked_for(refused: Callable[..., str]) -> None:
    if describe()["gpu"]:
        pytest.skip("there is a GPU")
    assert "nvidia-smi" in refused(4, "compare", "--device", "gpu")


@pytest.mark.parametrize("label", [column.label for column in columns()])
def test_without_a_gpu_every_column_says_so(
    label: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if describe()["gpu"]:
        pytest.skip("there is a GPU")
    framework, _, backend = label.rstrip("]").partition("[")
    column = ["--framework", framework, *(["--backend", backend] if backend else [])]
    out = tmp_path / "weights.safetensors"
    train = ["--dataset", "digits", "--architecture", "cnn-32-16-8", "--out", str(out)]
    assert main(["train", *column, *train, "--device", "gpu"]) == 4
    said = capsys.readouterr().err
    assert "no GPU: looked for an NVIDIA one" in said and said.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("dataset", "architecture", "mend"),
    [
        ("digits", "mlp-512-100", "compare --dataset digits --architectures mlp-512-100 --stages"),
        ("photographs", "squeezenet-1.0", "set CAMPARISON_WEIGHTS to the folder that has squeeze"),
    ],
)
def test_a_stage_alone_needs_trained_weights(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch,
    dataset: str, architecture: str, mend: str,
) -> None:  # fmt: skip
    monkeypatch.delenv("CAMPARISON_WEIGHTS", raising=False)
    words = ("agree", "--dataset", dataset, "--architectures", architecture)
    assert mend in refused(2, *words)


def test_report_needs_a_run(refused: Callable[..., str]) -> None:
    assert "make one with `python -m bench compare`" in refused(2, "report")


def test_toggles_that_leave_nothing_to_time_leave_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "time --dataset digits --architectures cnn-32-16-8 --frameworks keras[torch]"
    assert main([*words.split(), "--modes", "tuned", "--results", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "nothing to time: keras[torch] has no tuned mode" in said
    assert not list((tmp_path / "work").glob("time-*"))


def asked(words: str) -> Any:
    return parse(app(COMMANDS, ""), words.split())


def test_stages_are_run_in_their_order() -> None:
    ask = asked("compare --stages agree train")
    assert ask.stages == ("train", "agree")
    assert "stages" not in asked("compare").identity() and "stages" in ask.identity()


def test_names_are_parted_by_spaces_or_commas() -> None:
    words = "compare --dataset digits,shapes --frameworks jax keras[jax],keras --methods saliency"
    ask = asked(words)
    assert ask.datasets == ("digits", "shapes") and ask.methods == ("saliency",)
    labels = [column.label for column in ask.columns]
    assert labels[:2] == ["jax", "keras[jax]"] and len(labels) == len(set(labels)) == 4


def test_the_tracked_tables_are_made_by_publish_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["report", "--results", str(RESULTS)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "only `python -m bench publish`" in said


def test_no_library_serves_a_column(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "weights" / "digits--cnn-gap.safetensors"
    place.parent.mkdir()
    weights.save(place, weights.initialise(registered.get("cnn-gap"), 0))
    words = "contrast --dataset digits --architectures cnn-gap --frameworks jax --images 8"
    assert main([*words.split(), "--results", str(tmp_path)]) == 4
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "no library serves jax" in said
    assert not list((tmp_path / "work").glob("contrast-*")) and not (tmp_path / "runs").exists()


def test_a_data_set_that_nobody_can_fetch_leaves_nothing(
    refused: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAMPARISON_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://localhost:9")  # where nobody answers
    said = refused(4, "compare", "--dataset", "mnist", "--stages", "train")
    assert "cannot download" in said and "--data-dir" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "digits--cnn-gap"),
        (b"\x00" * 40, "digits--cnn-gap"),
        ("torn", "digits--cnn-gap"),
        ("nan", "not finite"),
        ("cnn-32-16", "conv2"),
    ],
)
@pytest.mark.parametrize("command", ["agree", "contrast", "time"])
def test_bad_weights_are_refused_before_the_work(
    command: str, content: bytes | str, words: str, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = tmp_path / "weights" / "digits--cnn-gap.safetensors"
    path.parent.mkdir()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        other = content if content.startswith("cnn") else "cnn-gap"
        tensors = dict(weights.initialise(registered.get(other), 0))
        if content == "nan":
            tensors["conv1.bias"] = tensors["conv1.bias"] * np.nan
        weights.save(path, tensors)
        if content == "torn":
            path.write_bytes(path.read_bytes()[:-100])
    asked = f"{command} --dataset digits --architectures cnn-gap --images 8"
    assert main([*asked.split(), "--results", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and words in said, said
    assert not (tmp_path / "runs").exists() and not list((tmp_path / "work").glob(f"{command}-*"))
