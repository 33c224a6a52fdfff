"""The command line: `python -m bench COMMAND ...`. Each command's `--help` has examples."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from bench.cli.arguments import add
from implementations.errors import BadInput, Unavailable, one_line, unknown

DONE, BAD_INPUT, UNAVAILABLE = 0, 2, 4

COMMANDS = {
    "list": ("cli.catalogue:show_list", "everything that can be named", ["list", "list --json"]),
    "train": (
        "cli.single:train", "train one network in one framework",
        ["train --framework jax --dataset digits --architecture cnn-32-16-8 --epochs 32 --seed 0 "
         "--out weights.safetensors"],
    ),
    "explain": (
        "cli.single:explain", "heatmaps of your images, by one method in one framework",
        ["explain --framework pytorch --method grad_cam --architecture cnn-32-16-8 "
         "--weights weights.safetensors --images images.npy --out heatmaps.safetensors",
         "explain --framework keras --backend jax --method integrated_gradients "
         "--option points=100 --architecture my-network.json --weights weights.safetensors "
         "--images images.npy --targets targets.npy --out heatmaps.safetensors"],
    ),
    "agree": ("cli.whole:run_stage", "every column against the float64 oracle, eager and compiled",
              ["agree", "agree --dataset fashion_mnist --frameworks jax pytorch"]),
    "time": ("cli.whole:run_stage", "milliseconds, compile seconds: agree, then clock",
             ["time --dataset digits --architectures cnn-32-16-8 --rounds 5",
              "time --grid allocator --frameworks jax pytorch"]),
    "contrast": ("cli.whole:run_stage", "our methods beside captum's and shap's", ["contrast"]),
    "compare": ("cli.whole:run_compare", "the main job: train, agree, time, contrast, report",
                ["compare", "compare --dataset fashion_mnist",
                 "compare --dataset fashion_mnist --stages train"]),
    "report": ("cli.whole:run_report", "tables and pictures from the finished runs", ["report"]),
    "publish": ("cli.whole:run_publish", "your runs into the published ones, and their tables",
                ["publish compare-20261128T101500-0797011f-1a2b3c4d", "publish"]),
    "sweep": ("cli.whole:run_stage", "agreement everywhere: every method, layer and mode",
              ["sweep --dataset digits --architectures cnn-gap"]),
}  # fmt: skip


class Parser(argparse.ArgumentParser):
    """One clear line and exit status 2 for bad arguments."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to see what is right."""
        told = f"{self.prog}: {message} (see `{self.prog} --help`)"
        self.exit(BAD_INPUT, f"{one_line(told)}\n")

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
        add(name, command)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    parsed, strange = parser().parse_known_args(arguments)
    parsed.parser.check(parsed, strange)
    module, function = parsed.target.split(":")
    if threading.current_thread() is threading.main_thread():
        for ending in (signal.SIGTERM, signal.SIGHUP):  # they end a command like Ctrl-C
            if signal.getsignal(ending) is signal.SIG_DFL:  # and nohup's is left as it is
                signal.signal(ending, signal.default_int_handler)
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
    print(f"python -m bench {command}: {one_line(message)}", file=sys.stderr)  # noqa: T201
    return status


if __name__ == "__main__":
    sys.exit(main())
