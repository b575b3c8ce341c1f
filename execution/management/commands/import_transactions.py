"""`manage.py import_transactions --portfolio SLUG FILE`: preview a file of transactions, or take it in."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.counts import number_of
from execution.operations import intake
from execution.terminal.command import TieoutCommand
from portfolio.books.imports import Choices, ImportRefused
from portfolio.ledger.importing.formats import FORMATS


class Command(TieoutCommand):
    help = "Take a file of transactions into a portfolio's ledger: all of it, as one commit, or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help="the file of transactions (docs/imports.md says in which forms)"
        )
        parser.add_argument(
            "--portfolio", metavar="SLUG", required=True, help="the portfolio that it goes into, by its slug"
        )
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
            report = intake.import_transactions(
                Path(options["file"]),
                slug=options["portfolio"],
                code=options["format"],
                dry_run=options["dry_run"],
                owner=options["owner"],
                base_currency=options["base"],
                policy=options["policy"],
                choices=Choices(options["infer_deposits"], tuple(options["margin"]), options["confirm_transfers"]),
            )
        except ImportRefused as refusal:
            for finding in refusal.findings:
                self.stderr.write(f"{Path(options['file']).name}: {finding}")
            raise CommandError(f"{number_of(len(refusal.findings), 'finding')}; nothing was imported") from refusal
        if options["json"]:
            self.print_json(report)
        else:
            self._print(report)
        if report["findings"]:
            raise CommandError(f"{number_of(len(report['findings']), 'finding')}; nothing would be imported")
        if report["breaks"]:
            words = (
                "ledger and database would differ" if report["status"] == "preflight" else "ledger and database differ"
            )
            raise CommandError(f"{words}: {'; '.join(report['breaks'])}")

    def _print(self, report: dict[str, Any]) -> None:
        for finding in report["findings"]:
            self.stderr.write(f"{report['file']}: {finding['text']}")
        for warning in report["warnings"]:
            self.stderr.write(f"{report['file']}: {warning}")
        ignored = f"; not read: {', '.join(report['ignored'])}" if report["ignored"] else ""
        counts = (
            f"{report['added']} new, {report['known']} there already ({report['format'] or 'format unknown'}){ignored}"
        )
        if report["status"] == "preflight":
            self.stdout.write(f"{report['portfolio']}: {counts}; {report['message']}")
        elif report["status"] == "unchanged":
            self.stdout.write(f"{report['portfolio']}: {counts}; the ledger stays as it is")
        else:
            self.stdout.write(
                f"{report['portfolio']}: {counts}; import {report['import_id']}, revision {report['revision']} at commit "
                f"{report['commit'][:12]}: {report['message']}"
            )
        if report["shortfalls"] and report["status"] == "preflight":
            self.stdout.write(
                "deposits that the file does not have are inferred by --infer-deposits; --margin ACCOUNT marks one that may owe"
            )
        if report["unconfirmed_transfers"]:
            self.stdout.write("moves between own accounts are confirmed by --confirm-transfers")
