"""`manage.py import_portfolio FILE --owner USER`: take in a portfolio that `export_portfolio` wrote."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from config.counts import number_of
from execution.operations import intake
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Take in a portfolio that export_portfolio wrote, with the history of its ledger."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the file that it wrote")
        parser.add_argument("--owner", metavar="USER", required=True, help="whose it is here")

    def handle(self, *args: Any, **options: Any) -> None:
        report = intake.import_portfolio(Path(options["file"]), owner=options["owner"])
        if options["json"]:
            self.print_json(report)
        else:
            self.stdout.write(
                f"{report['portfolio']}: {number_of(report['revisions'], 'revision')}, the newest at commit {report['commit']},"
                f" folder {report['tree_hash']}, {report['status']}"
            )
