"""`manage.py undo_import --portfolio SLUG`: take an import out of the ledger again."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.counts import number_of
from execution.operations import intake
from execution.terminal.command import TieoutCommand
from portfolio.ledger.screening import LedgerRefused


class Command(TieoutCommand):
    help = "Undo the last import, or the one with an id: the ledger is then as it was without it, byte for byte."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "import_id",
            metavar="IMPORT",
            nargs="?",
            help="its id, as import_transactions printed it; without it, the last",
        )
        parser.add_argument("--portfolio", metavar="SLUG", required=True, help="the portfolio, by its slug")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            undone = intake.undo_import(slug=options["portfolio"], import_id=options["import_id"])
        except LedgerRefused as refusal:
            for finding in refusal.findings:
                self.stderr.write(str(finding))
            raise CommandError("later entries need this import; undo those first") from refusal
        if options["json"]:
            self.print_json(undone)
        else:
            self.stdout.write(
                f"{undone['portfolio']}: the import of {undone['file']} ({number_of(undone['rows'], 'row')}) is undone"
            )
