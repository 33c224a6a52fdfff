"""Which options each command of the command line takes: only those that do something there."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from bench.cli.values import Names, positive, seconds, seed, threads
from bench.record.runs import LOCAL
from implementations.contract import DEVICES, MODES, PRECISIONS, SCORES

Options = Callable[[argparse.ArgumentParser], None]


def add(name: str, command: argparse.ArgumentParser) -> None:
    """Give a command's parser its options."""
    for options in ARGUMENTS[name]:
        options(command)


def _list_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="for programs")


def _column_arguments(command: argparse.ArgumentParser, frameworks: str) -> None:
    command.add_argument("--framework", required=True, help=frameworks)
    command.add_argument("--backend", help="Keras' backend: tensorflow, jax or torch")
    command.add_argument("--architecture", required=True, help="a name, or a .json file")
    command.add_argument("--device", choices=DEVICES, default="cpu")


def _data_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", help="folder of downloaded data (or CAMPARISON_DATA)")
    command.add_argument(
        "--allow-unverified", action="store_true",
        help="take data files whose digest is not the published one; rows say so",
    )  # fmt: skip


def _train_arguments(command: argparse.ArgumentParser) -> None:
    _column_arguments(command, "jax, pytorch or keras")
    _data_arguments(command)
    command.add_argument("--dataset", required=True)
    command.add_argument("--epochs", type=positive, help="default: the architecture's own")
    command.add_argument("--seed", type=seed, default=0)
    command.add_argument("--optimizer", choices=("matched", "native", "sgd"), default="native")
    command.add_argument("--out", required=True, help="weights file to write (.safetensors)")


def _explain_arguments(command: argparse.ArgumentParser) -> None:
    _column_arguments(command, "jax, pytorch, keras or reference")
    command.add_argument("--method", required=True)
    command.add_argument("--library", help="a third-party library's method instead of our own")
    command.add_argument("--weights", required=True, help="neutral weights (.safetensors)")
    command.add_argument("--images", required=True, help="(N, H, W, C) float32 in [0, 1], .npy")
    command.add_argument("--targets", help="(N,) classes, .npy; default: the predicted class")
    command.add_argument("--layer", help="default: the last convolution")
    command.add_argument("--score", default="logit", metavar=f"{{{','.join(SCORES)}}}")
    command.add_argument("--mode", choices=MODES, help="default: compiled; a library eager")
    command.add_argument("--precision", choices=PRECISIONS, help="default: float32")
    command.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    command.add_argument("--batch", type=positive, default=0, help="default: by the cost, 8 or 64")
    command.add_argument("--save", choices=("heatmap", "stages"), default="heatmap")
    command.add_argument("--out", required=True, help="heatmaps file to write (.safetensors)")


def _dataset_arguments(default: str) -> Options:
    def options(command: argparse.ArgumentParser) -> None:
        _data_arguments(command)
        command.add_argument("--dataset", nargs="+", action=Names, help=f"default: {default}")

    return options


def _suite_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--architectures", nargs="+", action=Names)
    command.add_argument("--frameworks", nargs="+", action=Names, help="as in keras[jax]")
    command.add_argument("--methods", nargs="+", action=Names)
    command.add_argument("--device", choices=DEVICES, default="cpu")
    command.add_argument(
        "--images", type=positive, help="compared; default 256, 64 in a plain `compare`"
    )
    command.add_argument("--threads", type=threads, default=0, help="0: every core allowed")
    command.add_argument(
        "--timeout", type=seconds, default=900.0, metavar="S",
        help="seconds of silence after which a process is killed (default 900)",
    )  # fmt: skip
    command.add_argument("--results", default=LOCAL, help="default: results/local")


def _precision_arguments(default: Sequence[str], what: str) -> Options:
    def options(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--precisions", nargs="+", choices=PRECISIONS, default=default,
            help=f"{what} (default {' '.join(default)})",
        )  # fmt: skip

    return options


def _epochs_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--epochs", type=positive, help="default: each architecture's own")


def _clock_arguments(rounds: int, why: str) -> Options:
    def options(command: argparse.ArgumentParser) -> None:
        command.add_argument("--batch", type=positive, default=64, help="timed (default 64)")
        command.add_argument(
            "--rounds", type=positive, default=rounds,
            help=f"processes (default {rounds}, {why})",
        )  # fmt: skip
        command.add_argument("--isolate", action="store_true", help="every cell its own process")

    return options


def _compare_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seeds", type=positive, default=1, help="trainings (default 1)")
    command.add_argument(
        "--stages", nargs="+", choices=("train", "steps", "agree", "time", "contrast"),
        help="default: all; each goes on from the weights in the results",
    )  # fmt: skip


def _time_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--grid", choices=("quick", "default", "full", "allocator"), default="default",
        help="one factor at a time around a base (default), the whole product, or what giving "
        "memory back to the system costs (allocator)",
    )  # fmt: skip
    command.add_argument("--modes", nargs="+", choices=MODES, help="default: all there are")
    command.add_argument(
        "--cold", action="store_true",
        help="compile anew in every round (default: in the first, whose compile time is published)",
    )  # fmt: skip
    command.add_argument("--compare", metavar="RUN", help="an earlier run's file: what changed")


def _report_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", default=LOCAL, help="default: results/local")


def _publish_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("runs", nargs="*", metavar="RUN", help="a run's id; without any: as it is")
    command.add_argument("--results", default=LOCAL, help="where RUN lies; default: results/local")
    command.add_argument("--withdraw", nargs="+", default=[], metavar="RUN", help="published runs")
    command.add_argument("--reason", default="", help="why they are withdrawn")


_bundled = _dataset_arguments("digits shapes")
_swept = _dataset_arguments("digits, and photographs where their network's weights are")
_compared = _precision_arguments(("float32", "float64"), "compared")
_of_main = _precision_arguments(("float32", "float64"), "compared; the first is timed")
_bases = _precision_arguments(("float32",), "timed, a grid around each")
_of_a_job = _clock_arguments(5, "of which the intervals are surest")
_of_the_grid = _clock_arguments(3, "a quarter of an hour on two cores; 5 are surer")

ARGUMENTS: dict[str, tuple[Options, ...]] = {
    "list": (_list_arguments,),
    "train": (_train_arguments,),
    "explain": (_explain_arguments,),
    "agree": (_bundled, _suite_arguments, _compared),
    "time": (_swept, _suite_arguments, _bases, _of_the_grid, _time_arguments),
    "contrast": (_bundled, _suite_arguments),
    "compare": (
        _bundled, _suite_arguments, _of_main, _epochs_arguments, _of_a_job, _compare_arguments,
    ),
    "report": (_report_arguments,),
    "publish": (_publish_arguments,),
    "sweep": (_swept, _suite_arguments, _compared, _epochs_arguments),
}  # fmt: skip
