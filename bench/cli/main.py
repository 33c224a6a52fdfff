"""The command line: `python -m bench COMMAND ...`. Each command's `--help` has examples."""

from __future__ import annotations

import errno
import importlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence

from bench.cli.arguments import PROGRAM, app, parse
from bench.cli.commands import COMMANDS
from implementations.errors import BadInput, Unavailable, one_line

LONG = re.compile(r"\S{500,}")
NARROWEST = 20
PLACE = "name another place"
MENDS = {
    **dict.fromkeys((errno.ENAMETOOLONG, errno.ELOOP, errno.EACCES, errno.EPERM), PLACE),
    **dict.fromkeys((errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG), PLACE),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "allow more by `ulimit -n`"),
}
"""What can be wrong with a place that was named, wherever in a command it is found."""
DONE, BAD_INPUT, UNAVAILABLE, STOPPED = 0, 2, 4, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    _reopen()
    if isinstance(sys.stdout, io.TextIOWrapper):  # what a terminal cannot show is escaped
        sys.stdout.reconfigure(errors="backslashreplace")
    _widen()
    name = words[0] if words and words[0] in COMMANDS else ""
    if threading.current_thread() is threading.main_thread():
        # They end a command alike; before it begins there is nothing to tidy up.
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(ending) is signal.SIG_DFL:  # and nohup's is left as it is
                signal.signal(ending, signal.default_int_handler)
    try:
        if not words:
            raise BadInput(f"name a COMMAND: {', '.join(COMMANDS)} (see `{PROGRAM} --help`)")
        request = parse(app(COMMANDS, __doc__ or ""), words)
        if request is None:
            return DONE
        module, function = COMMANDS[name].target.split(":")
        status = int(getattr(importlib.import_module(f"bench.{module}"), function)(request))
        sys.stdout.flush()
        return status
    except BadInput as error:
        return _refuse(name, str(error), BAD_INPUT)
    except Unavailable as error:
        return _refuse(name, str(error), UNAVAILABLE)
    except BrokenPipeError:  # whoever reads a page may stop in the middle, as `head` does
        _hush()
        return DONE
    except OSError as error:
        if error.errno in MENDS and error.filename is not None:
            told = f"cannot use {error.filename}: {error.strerror}; {MENDS[error.errno]}"
            return _refuse(name, told, BAD_INPUT)
        if error.filename is not None:
            raise
        _hush()
        return _refuse(name, f"cannot write the answer: {error.strerror}", BAD_INPUT)
    except MemoryError as error:
        told = f"not enough memory ({error}); take something smaller"
        return _refuse(name, told.replace(" ()", ""), BAD_INPUT)
    except KeyboardInterrupt:
        return _refuse(name, "stopped; the same command goes on from here", STOPPED)


def _reopen() -> None:
    """Where a stream was closed (`>&-`), what is written goes nowhere, and not into a file."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, open(number, "w", encoding="utf-8", closefd=False))  # noqa: SIM115


def _widen() -> None:
    """Where a shell says that there are no columns, or hardly any, help would never end."""
    columns = os.environ.get("COLUMNS", "")
    if not 2 <= len(columns) <= 4 or not columns.isdecimal() or int(columns) < NARROWEST:
        os.environ.pop("COLUMNS", None)


def _hush() -> None:
    """Let what is left of the answer go nowhere: Python flushes once more as it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(command: str, message: str, status: int) -> int:
    told = " ".join(filter(None, [PROGRAM, command]))
    # A name may be a file's whole content.
    brief = LONG.sub(lambda word: f"{word[0][:60]}...", message)
    print(one_line(f"{told}: {brief}"), file=sys.stderr)  # noqa: T201
    return status
