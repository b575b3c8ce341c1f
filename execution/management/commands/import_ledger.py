"""`manage.py import_ledger PATH`: commit a Beancount ledger, read its rows and reconcile them."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from execution import intake
from execution.command import Command as Base
from portfolio.ledger.screening import LedgerRefused


class Command(Base):
    help = "Commit a Beancount ledger (a folder with main.beancount, or a file with what it includes) to a portfolio."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", metavar="PATH")
        parser.add_argument(
            "--portfolio", metavar="SLUG", help="the portfolio; without it, the folder's or file's name"
        )
        parser.add_argument(
            "--owner", metavar="USER", help="makes the portfolio, owned by USER, where it does not exist"
        )
        parser.add_argument("--policy", default="ECB_EUR", help="pricing policy of a portfolio that is made (ECB_EUR)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = intake.import_ledger(
                Path(options["path"]), slug=options["portfolio"], owner=options["owner"], policy=options["policy"]
            )
        except LedgerRefused as refused:
            for finding in refused.findings:
                self.stderr.write(f"{finding.file}:{finding.line}: {finding.reason}")
            raise CommandError(f"{len(refused.findings)} findings; nothing was imported") from refused
        if options["json"]:
            self.print_json(told)
        else:
            self.stdout.write(
                f"{told['portfolio']}: revision {told['revision']} at commit {told['commit'][:12]}, "
                f"{told['transactions']} transactions"
                f" ({told['added']} new, {told['removed']} gone), {told['status']}"
            )
        if told["breaks"]:
            raise CommandError(f"ledger and database differ: {'; '.join(told['breaks'])}")
