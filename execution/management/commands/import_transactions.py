"""`manage.py import_transactions --portfolio SLUG FILE`: preview a file of transactions, or take it in."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from execution.operations import intake
from execution.terminal.command import Command as Base
from portfolio.books.imports import Choices, ImportRefused
from portfolio.ledger.importing.formats import FORMATS


class Command(Base):
    help = "Take a file of transactions into a portfolio's ledger: all of it, as one commit, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE")
        parser.add_argument("--portfolio", metavar="SLUG", required=True)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be added and what is wrong; write nothing"
        )
        parser.add_argument("--format", choices=list(FORMATS), help="of the file; without it, by its look")
        parser.add_argument(
            "--owner", metavar="USER", help="opens the portfolio, owned by USER, where it does not exist"
        )
        parser.add_argument("--base", metavar="CURRENCY", help="base currency of a portfolio that is opened")
        parser.add_argument(
            "--policy", default="ECB_EUR", help="pricing policy of a portfolio that is opened (ECB_EUR)"
        )

        parser.add_argument(
            "--infer-deposits",
            action="store_true",
            help="where cash would be below zero, take it that money was deposited",
        )
        parser.add_argument(
            "--margin",
            metavar="ACCOUNT",
            action="append",
            default=[],
            help="an account, by the file's name for it, whose cash may be below zero; may be given again",
        )
        parser.add_argument(
            "--confirm-transfers",
            action="store_true",
            help="securities that leave one account and come to another within ten days are one move",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = intake.import_transactions(
                Path(options["file"]),
                slug=options["portfolio"],
                code=options["format"],
                dry_run=options["dry_run"],
                owner=options["owner"],
                base_currency=options["base"],
                policy=options["policy"],
                choices=Choices(options["infer_deposits"], tuple(options["margin"]), options["confirm_transfers"]),
            )
        except ImportRefused as refused:
            for finding in refused.findings:
                self.stderr.write(f"{Path(options['file']).name}: {finding}")
            raise CommandError(f"{len(refused.findings)} findings; nothing was imported") from refused
        if options["json"]:
            self.print_json(told)
        else:
            self._print(told)
        if told["findings"]:
            raise CommandError(f"{len(told['findings'])} findings; nothing would be imported")
        if told["breaks"]:
            said = "ledger and database would differ" if told["status"] == "preflight" else "ledger and database differ"
            raise CommandError(f"{said}: {'; '.join(told['breaks'])}")

    def _print(self, told: dict[str, Any]) -> None:
        for finding in told["findings"]:
            self.stderr.write(f"{told['file']}: {finding['text']}")
        for warning in told["warnings"]:
            self.stderr.write(f"{told['file']}: {warning}")
        ignored = f"; not read: {', '.join(told['ignored'])}" if told["ignored"] else ""
        counts = f"{told['added']} new, {told['known']} there already ({told['format'] or 'format unknown'}){ignored}"
        if told["status"] == "preflight":
            self.stdout.write(f"{told['portfolio']}: {counts}; {told['message']}")
        elif told["status"] == "unchanged":
            self.stdout.write(f"{told['portfolio']}: {counts}; the ledger stays as it is")
        else:
            self.stdout.write(
                f"{told['portfolio']}: {counts}; import {told['import_id']}, revision {told['revision']} at commit "
                f"{told['commit'][:12]}: {told['message']}"
            )
        if told["shortfalls"] and told["status"] == "preflight":
            self.stdout.write(
                "deposits that the file does not have are inferred by --infer-deposits; --margin ACCOUNT marks one that may owe"
            )
        if told["unconfirmed_transfers"]:
            self.stdout.write("moves between own accounts are confirmed by --confirm-transfers")
