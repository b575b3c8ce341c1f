"""What the commands of this room share beyond those of every room: an exit code for packs that are not fresh, progress bars."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from config import command
from config.errors import TieoutError
from pricing import packs

EXIT_NOT_FRESH = 3


class TieoutCommand(command.TieoutCommand):
    def exit_code(self, failure: TieoutError) -> int:
        if isinstance(failure, packs.PackWarming | packs.PackInError):
            return EXIT_NOT_FRESH
        return super().exit_code(failure)


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A callable (what, done, total) that draws a bar for each `what` on stderr; draws nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield lambda what, count, total: None
        return
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:

        def report(what: str, count: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=count, total=total)

        yield report
