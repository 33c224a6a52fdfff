"""The command line: `python -m bench COMMAND ...`. Each command's `--help` has examples."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from bench.arguments import Names, positive, seconds, seed, threads
from implementations.contract import DEVICES, MODES, PRECISIONS, SCORES, BadInput, Unavailable
from implementations.graph import unknown

DONE, BAD_INPUT, UNAVAILABLE = 0, 2, 4

COMMANDS = {
    "list": ("commands:show_list", "everything that can be named", ["list", "list --json"]),
    "train": (
        "commands:train", "train one network in one framework",
        ["train --framework jax --dataset digits --architecture cnn-32-16-8 --epochs 32 --seed 0 "
         "--out weights.safetensors"],
    ),
    "explain": (
        "commands:explain", "heatmaps of your images, by one method in one framework",
        ["explain --framework pytorch --method grad_cam --architecture cnn-32-16-8 "
         "--weights weights.safetensors --images images.npy --out heatmaps.safetensors",
         "explain --framework keras --backend jax --method integrated_gradients "
         "--option points=100 --architecture my-network.json --weights weights.safetensors "
         "--images images.npy --targets targets.npy --out heatmaps.safetensors"],
    ),
    "agree": ("suite:run_stage", "every column against the float64 oracle, eager and compiled",
              ["agree", "agree --dataset fashion_mnist --frameworks jax pytorch"]),
    "time": ("suite:run_stage", "milliseconds, compile seconds: agree, then clock",
             ["time --dataset digits --architectures cnn-32-16-8 --rounds 5",
              "time --grid allocator --frameworks jax pytorch"]),
    "contrast": ("suite:run_stage", "our methods beside captum's and shap's", ["contrast"]),
    "compare": ("suite:run_compare", "the main job: train, agree, time, contrast, report",
                ["compare", "compare --dataset fashion_mnist",
                 "compare --dataset fashion_mnist --stages train"]),
    "report": ("suite:run_report", "tables and pictures from the finished runs", ["report"]),
    "sweep": ("suite:run_stage", "agreement everywhere: every method, layer and mode",
              ["sweep --dataset digits --architectures cnn-gap"]),
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """One clear line and exit status 2 for bad arguments."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to see what is right."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see `{self.prog} --help`)\n")

    def check(self, parsed: argparse.Namespace, strange: Sequence[str]) -> None:
        """Refuse what this command does not know, and options left empty."""
        if strange:
            given = strange[0].partition("=")[0]
            self.error(unknown("argument", given, self._option_string_actions))
        for action in self._actions:
            value = getattr(parsed, action.dest, None)
            if value == "" or (isinstance(value, list) and "" in value):
                where = f"argument {action.option_strings[0]}"
                self.error(f"{where}: it is empty (an unset shell variable?); give it a value")


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = Parser(prog="python -m bench", description=__doc__, allow_abbrev=False)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (target, meaning, examples) in COMMANDS.items():
        epilogue = "examples:\n" + "\n".join(f"  python -m bench {line}" for line in examples)
        command = commands.add_parser(
            name, help=meaning, description=meaning.capitalize() + ".", epilog=epilogue,
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False,
        )  # fmt: skip
        command.set_defaults(target=target, parser=command)
        ARGUMENTS.get(name, _suite_arguments)(command)
    return top


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


def _suite_arguments(command: argparse.ArgumentParser, datasets: str = "digits shapes") -> None:
    _data_arguments(command)
    command.add_argument("--dataset", nargs="+", action=Names, help=f"default: {datasets}")
    command.add_argument("--architectures", nargs="+", action=Names)
    command.add_argument("--frameworks", nargs="+", action=Names, help="as in keras[jax]")
    command.add_argument("--methods", nargs="+", action=Names)
    command.add_argument("--device", choices=DEVICES, default="cpu")
    command.add_argument(
        "--precisions", nargs="+", choices=PRECISIONS, default=["float32", "float64"],
        help="compared; the first is the base of what is timed",
    )  # fmt: skip
    command.add_argument(
        "--images", type=positive, help="compared; default 256, 64 in a plain `compare`"
    )
    command.add_argument("--batch", type=positive, default=64, help="timed (default 64)")
    command.add_argument("--rounds", type=positive, default=5, help="processes (default 5)")
    command.add_argument("--threads", type=threads, default=0, help="0: every core allowed")
    command.add_argument("--seeds", type=positive, default=1, help="trainings (default 1)")
    command.add_argument("--epochs", type=positive, help="default: each architecture's own")
    command.add_argument("--isolate", action="store_true", help="every cell its own process")
    command.add_argument(
        "--timeout", type=seconds, default=900.0, metavar="S",
        help="seconds of silence after which a process is killed (default 900)",
    )  # fmt: skip
    command.add_argument("--results", default="results", help="folder of runs and tables")


def _compare_arguments(command: argparse.ArgumentParser) -> None:
    _suite_arguments(command)
    command.add_argument(
        "--stages", nargs="+", choices=("train", "steps", "agree", "time", "contrast"),
        help="default: all; each goes on from the weights in the results",
    )  # fmt: skip


def _sweep_arguments(command: argparse.ArgumentParser) -> None:
    _suite_arguments(command, "digits, and photographs where their network's weights are")


def _time_arguments(command: argparse.ArgumentParser) -> None:
    _sweep_arguments(command)
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
    command.add_argument("--results", default="results", help="folder of runs and tables")


ARGUMENTS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "list": _list_arguments,
    "train": _train_arguments,
    "explain": _explain_arguments,
    "report": _report_arguments,
    "sweep": _sweep_arguments,
    "time": _time_arguments,
    "compare": _compare_arguments,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    parsed, strange = parser().parse_known_args(arguments)
    parsed.parser.check(parsed, strange)
    module, function = parsed.target.split(":")
    try:
        run = getattr(importlib.import_module(f"bench.{module}"), function)
        return int(run(parsed))
    except BadInput as error:
        return _refuse(parsed.command, str(error), BAD_INPUT)
    except Unavailable as error:
        return _refuse(parsed.command, str(error), UNAVAILABLE)
    except KeyboardInterrupt:
        return _refuse(parsed.command, "stopped; the same command goes on from here", 130)


def _refuse(command: str, message: str, status: int) -> int:
    print(f"python -m bench {command}: {message}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
