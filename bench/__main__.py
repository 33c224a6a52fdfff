"""`python -m bench COMMAND ...`: the command line, `bench.cli.main`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    from bench.cli import main as command_line

    return command_line.main(arguments)


if __name__ == "__main__":
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while it loads: nothing to say
    sys.exit(main())
