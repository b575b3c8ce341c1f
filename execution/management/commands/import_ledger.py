"""`manage.py import_ledger PATH`: commit a Beancount ledger, read its rows and reconcile them."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.counts import number_of
from execution.operations import intake
from execution.terminal.command import TieoutCommand
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import Accrual, BookingMethod, TradeFx


class Command(TieoutCommand):
    help = "Commit a Beancount ledger (a folder with main.beancount, or a file with what it includes) to a portfolio."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", metavar="PATH", help="the folder, or the file")
        parser.add_argument(
            "--portfolio", metavar="SLUG", help="the portfolio; without it, the folder's or file's name"
        )
        parser.add_argument(
            "--owner", metavar="USER", help="makes the portfolio, owned by USER, where it does not exist"
        )
        new_portfolio = parser.add_argument_group("of a portfolio that is made; one that exists keeps its own")
        new_portfolio.add_argument("--policy", default="ECB_EUR", help="pricing policy (ECB_EUR)")
        new_portfolio.add_argument(
            "--booking", choices=BookingMethod.values, default="FIFO", help="which lot a sale takes (FIFO)"
        )
        new_portfolio.add_argument("--fees-apart", action="store_true", help="fees stay out of cost and proceeds")
        new_portfolio.add_argument(
            "--accrual", choices=Accrual.values, default="cash", help="when dividends count (cash)"
        )
        new_portfolio.add_argument(
            "--trade-fx", choices=TradeFx.values, default="ledger", help="what deals are converted at (ledger)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ledger = intake.import_ledger(
                Path(options["path"]),
                slug=options["portfolio"],
                owner=options["owner"],
                policy=options["policy"],
                settings={
                    "booking_method": options["booking"],
                    "fees_in_cost": not options["fees_apart"],
                    "accrual": options["accrual"],
                    "trade_fx": options["trade_fx"],
                },
            )
        except LedgerRefused as refusal:
            for finding in refusal.findings:
                self.stderr.write(f"{finding.file}:{finding.line}: {finding.reason}")
            raise CommandError(f"{number_of(len(refusal.findings), 'finding')}; nothing was imported") from refusal
        if options["json"]:
            self.print_json(ledger)
        else:
            self.stdout.write(
                f"{ledger['portfolio']}: revision {ledger['revision']} at commit {ledger['commit'][:12]}, "
                f"{number_of(ledger['transactions'], 'transaction')}"
                f" ({ledger['added']:,} new, {ledger['removed']:,} removed), {ledger['status']}"
            )
        if ledger["breaks"]:
            raise CommandError(f"ledger and database differ: {'; '.join(ledger['breaks'])}")
