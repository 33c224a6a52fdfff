"""`python -m bench COMMAND ...`: the command line, `bench.cli.main`."""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    try:
        from bench.cli import main as command_line

        return command_line.main(arguments)
    except (ImportError, SystemError, MemoryError):  # as packages fail that cannot be mapped
        if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
            raise
    sys.stderr.write("python -m bench: not enough memory to start; allow more by `ulimit -v`\n")
    return 2


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while it loads: nothing to say
    sys.exit(main())
