"""`manage.py export_portfolio SLUG FILE`: a whole portfolio as one file."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from config import scope
from config.counts import number_of
from execution.executor import PortfolioNotFound
from execution.exports import portfolio_file
from execution.terminal.command import TieoutCommand
from portfolio.models import Portfolio


class Command(TieoutCommand):
    help = "Write a portfolio into a file: its ledger with its history, settings, imports, and transactions as CSV."
    has_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("portfolio", metavar="SLUG", help="the portfolio, by its slug")
        parser.add_argument("file", metavar="FILE", help="where to write it; the file must not exist yet")

    def handle(self, *args: Any, **options: Any) -> None:
        with transaction.atomic():
            rows = Portfolio.objects.select_related("owner", "benchmark")
            portfolio = rows.filter(slug=options["portfolio"]).first()
        if portfolio is None:
            raise PortfolioNotFound
        path = Path(options["file"])
        if path.exists():
            raise CommandError(f"{path} is there already")
        # Under another name until it is whole; a link takes no name that another file has taken meanwhile.
        with scope.acting_as(portfolio.owner), NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-") as file:
            portfolio_file.write(file, portfolio)
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
        self.stdout.write(f"{portfolio.slug}: {path}, {number_of(path.stat().st_size, 'byte')}")
