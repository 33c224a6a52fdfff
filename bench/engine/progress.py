"""Progress of long work: a bar on a terminal, plain lines when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from implementations.errors import one_line

console = Console(stderr=True, highlight=False, soft_wrap=not (sys.stderr and sys.stderr.isatty()))
"""How it goes; piped, a line stays a line, however long."""


class Answer(Console):
    """What was asked for: whoever reads it may stop in the middle, as `head` does."""

    def on_broken_pipe(self) -> None:
        """Let the command end as it sees fit."""
        raise BrokenPipeError


answer = Answer(highlight=False, markup=False, soft_wrap=True)
"""What was asked for: it alone goes to a file or another program."""


class Ticker:
    """Counts finished cells of a stage."""

    def __init__(self, title: str, total: int, bar: Progress | None) -> None:
        self.title = title
        self.total = total
        self.bar = bar
        self.task = bar.add_task(title, total=total, now="") if bar else None
        self.done = self.skipped = 0
        self.began = time.perf_counter()

    def say(self, text: str) -> None:
        """What is going on within a cell."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, now=one_line(text))
        else:
            console.print(f"  {self.title}: {one_line(text)}", markup=False, soft_wrap=True)

    def skip(self) -> None:
        """A cell cannot be had here: it is counted, and told at the end with the others."""
        self.done += 1
        self.skipped += 1
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=self.done)

    def tick(self, text: str, ok: bool = True) -> None:
        """A cell is finished; one that is not ok stays on the screen."""
        self.done += 1
        text = one_line(text)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=self.done, now=text)
            if not ok:
                self.bar.console.print(f"  {text}", markup=False, soft_wrap=True)
            return
        seconds = time.perf_counter() - self.began
        line = f"[{self.title} {self.done}/{self.total} {seconds:.0f} s] {text}"
        console.print(line, markup=False, soft_wrap=True)


@contextmanager
def ticker(title: str, total: int) -> Iterator[Ticker]:
    """Shows the progress of `total` cells."""
    if not console.is_terminal:
        shown = Ticker(title, total, None)
        yield shown
    else:
        columns = (
            TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("{task.fields[now]}", markup=False),
        )  # fmt: skip
        with Progress(*columns, console=console) as bar:
            shown = Ticker(title, total, bar)
            yield shown
    if shown.skipped and not (shown.skipped == total == 1):  # why one alone is none is said later
        console.print(f"  {title}: {shown.skipped} cells cannot be had here")
