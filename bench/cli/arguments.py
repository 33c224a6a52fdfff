"""The command line made of the typed requests: a field made by `option` is an option.

Cyclopts reads the words, names what is near to those that it does not know, and writes the help.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Parameter, Token

from bench.subject.request import Common
from bench.subject.values import EMPTY, names
from implementations.errors import BadInput

PROGRAM = "python -m bench"
MANY = "tuple["
FILES = ("images",)
"""Options of many files, whose names may have commas."""


@dataclass(frozen=True)
class Command:
    """A command: `module:function` in `bench`, the class of its request, its help and examples."""

    target: str
    asked: type[Common]
    meaning: str
    examples: Sequence[str]
    group: str = ""


def app(commands: Mapping[str, Command], meaning: str) -> App:
    """What reads the command line."""
    top = App(name=PROGRAM, help=meaning, version_flags=[], help_format="plaintext")
    for name, command in commands.items():
        lines = "\n".join(f"  {PROGRAM} {line}" for line in command.examples)
        title = command.meaning[:1].upper() + command.meaning[1:]
        top.command(
            _request(name, command), name=name, help=f"{title}.",
            help_epilogue=f"examples:\n{lines}", version_flags=[],
        )  # fmt: skip
    return top


def _request(name: str, command: Command) -> Callable[..., Common]:
    """What makes the request of what was given: with the parameters that the command takes."""
    taken = [each for each in fields(command.asked) if _takes(each, name, command.group)]
    own = {each.name: each.metadata["own"][name] for each in taken if name in each.metadata["own"]}
    absent = {each.name: None for each in fields(command.asked) if _required(each)}

    def make(*positional: Any, **given: Any) -> Common:
        if positional:
            given[_positional(taken).name] = positional[0]
        made = {each: value() if callable(value) else value for each, value in own.items()}
        return command.asked(command=name, **absent | made | given)

    parameters = [_parameter(each, own) for each in taken]
    parameters.sort(key=lambda parameter: parameter.kind)
    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    make.__annotations__ = {each.name: each.annotation for each in parameters}
    return make


def _takes(each: Field[Any], name: str, group: str) -> bool:
    of = each.metadata.get("of", ())
    return name in of or (bool(group) and group in of)


def _required(each: Field[Any]) -> bool:
    return each.default is each.default_factory is MISSING


def _positional(taken: Sequence[Field[Any]]) -> Field[Any]:
    return next(each for each in taken if each.metadata["name"].isupper())


def _parameter(each: Field[Any], own: Mapping[str, Any]) -> inspect.Parameter:
    """A field as a parameter of Cyclopts."""
    about = each.metadata
    required = _required(each) and each.name not in own
    default = own.get(each.name, each.default)
    default = MISSING if callable(default) else default
    flag, many = each.type == "bool", str(each.type).startswith(MANY)
    shown = ", ".join(map(str, default)) if isinstance(default, tuple) else default
    told = f" (default {shown})" if shown not in ("", None, False, 0, MISSING) else ""
    positional = about["name"].isupper()
    called = about["name"] or each.name.replace("_", "-")
    repeated = many and called != "option"
    parted = repeated and called not in FILES
    kind = tuple[str, ...] if many else bool if flag else str
    place = inspect.Parameter.POSITIONAL_ONLY if positional else inspect.Parameter.KEYWORD_ONLY
    parameter = Parameter(
        name=None if positional else f"--{called}",
        converter=None if flag else _converter(called, about["to"], many, parted),
        help=about["help"] + told, required=required, show_default=False, negative="",
        consume_multiple=1 if repeated else None,
    )  # fmt: skip
    return inspect.Parameter(
        each.name, place, default=inspect.Parameter.empty if required else None,
        annotation=Annotated[kind, parameter],
    )  # fmt: skip


class _Refused(Exception):
    """A text that makes no value: what is told of it. None that Cyclopts would word anew."""


def _converter(
    called: str, to: Callable[[Any], Any], many: bool, parted: bool
) -> Callable[..., Any]:
    def convert(_: Any, tokens: Sequence[Token]) -> Any:
        texts = [token.value for token in tokens]
        try:
            if "" in texts:
                raise ValueError(EMPTY)
            return to(names(texts) if parted else texts) if many else to(texts[0])
        except ValueError as error:
            raise _Refused(f"--{called}: {error}") from error

    return convert


def parse(reader: App, words: Sequence[str]) -> Common | None:
    """The request of a command line; None where help was asked for, which is printed.

    Raises BadInput, which says how to see what is right.
    """
    try:
        made, bound, _ = reader.parse_args(words, exit_on_error=False, print_error=False)
    except (CycloptsError, _Refused) as error:
        told = str(error).strip().rstrip(".")
        command = [word for word in words[:1] if word in reader]
        raise BadInput(f"{told} (see `{' '.join([PROGRAM, *command])} --help`)") from error
    answer = made(*bound.args, **bound.kwargs)
    return answer if isinstance(answer, Common) else None
