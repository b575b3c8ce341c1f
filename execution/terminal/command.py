"""What all commands share: --json, one line for a failure we expect, exit codes, progress bars on a terminal."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from config.errors import TieoutError
from pricing import packs

EXIT_FAILED, EXIT_NOT_FRESH = 1, 3


class Command(BaseCommand):
    """A verb's face on the command line. Data goes to stdout, all else to stderr; nothing ever asks back."""

    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.add_argument("--json", action="store_true", help="print JSON")
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except TieoutError as failure:
            not_fresh = isinstance(failure, packs.PackWarming | packs.PackInError)
            raise CommandError(str(failure), returncode=EXIT_NOT_FRESH if not_fresh else EXIT_FAILED) from failure

    def print_json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, indent=2, default=str, ensure_ascii=False))


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """A callable (what, done, total) that draws a bar for each `what` on stderr; draws nothing where stderr is no terminal."""
    console = Console(stderr=True)
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    bars: dict[str, TaskID] = {}
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:

        def report(what: str, done: int, total: int) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=total)
            progress.update(bars[what], completed=done, total=total)

        yield report
