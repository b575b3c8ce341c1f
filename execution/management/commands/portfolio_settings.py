"""`manage.py portfolio_settings --portfolio SLUG`: the settings of a portfolio, shown or changed."""

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from config.counts import number_of
from execution.executor import PortfolioNotFound
from execution.operations import settings_report
from execution.terminal.command import TieoutCommand
from portfolio import portfolio_settings
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import Accrual, BookingMethod, FlowTiming, Portfolio, TradeFx
from portfolio.portfolio_settings import SETTINGS, SettingsRefused


class Command(TieoutCommand):
    help = (
        "Show a portfolio's settings, or change those that are given: booking method, fees and deal rate as a commit of its"
        " ledger, from which lots are derived again; the others for figures from now on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--portfolio", metavar="SLUG", required=True, help="the portfolio, by its slug")
        parser.add_argument("--booking-method", choices=BookingMethod.values, help="which lots a sale takes first")
        parser.add_argument(
            "--fees-in-cost", choices=("yes", "no"), help="buy fees in cost and sell fees off proceeds, or fees apart"
        )
        parser.add_argument(
            "--trade-fx",
            choices=TradeFx.values,
            help="the rate of deals in another currency: what the ledger says, or the fixing of the day",
        )
        parser.add_argument(
            "--accrual", choices=Accrual.values, help="when dividends count: once paid, or from their ex-date"
        )
        parser.add_argument("--flow-timing", choices=FlowTiming.values, help="when money in and out of a day counts")
        parser.add_argument("--benchmark", metavar="NAME", help="what it is measured against; none: nothing")
        parser.add_argument(
            "--base-currency", metavar="CURRENCY", help="base currency, only while the portfolio has no ledger"
        )
        parser.add_argument("--policy", metavar="POLICY", help="pricing policy, only while the portfolio has no ledger")

    def handle(self, *args: Any, **options: Any) -> None:
        portfolio = Portfolio.objects.select_related("policy", "benchmark").filter(slug=options["portfolio"]).first()
        if portfolio is None:
            raise PortfolioNotFound
        values = {name: _value(name, options[name]) for name in SETTINGS if options[name] is not None}
        if not values:
            self._print(
                options, portfolio, settings_report.as_dict(portfolio, portfolio_settings.show(portfolio=portfolio))
            )
            return
        try:
            changed = portfolio_settings.change(
                portfolio=portfolio, values=values, author="Tieout settings", at=timezone.now()
            )
        except SettingsRefused as refusal:
            for name, reason in refusal.findings:
                self.stderr.write(f"{name}: {reason}")
            raise CommandError(f"{number_of(len(refusal.findings), 'finding')}; nothing was changed") from refusal
        except LedgerRefused as refusal:
            for finding in refusal.findings:
                self.stderr.write(str(finding))
            raise CommandError("the ledger can't be read with these settings; nothing was changed") from refusal
        self._print(options, portfolio, settings_report.change_as_dict(portfolio, changed))
        if changed.breaks:
            raise CommandError(
                f"ledger and database differ, so that the change is not used: {'; '.join(changed.breaks)}"
            )

    def _print(self, options: dict[str, Any], portfolio: Portfolio, report: dict[str, Any]) -> None:
        if options["json"]:
            self.print_json(report)
            return
        changed = report.get("changed", [])
        for name, value in report["settings"].items():
            mark = "  (changed)" if name in changed else ""
            self.stdout.write(f"{name:<16}{_value_text(value)}{mark}")
        if report.get("new_revision"):
            self.stdout.write(
                f"{portfolio.slug}: revision {report['new_revision']} at commit {report['commit'][:12]},"
                f" {report['revision_status']}"
            )
        elif "changed" in report and not changed:
            self.stdout.write(f"{portfolio.slug}: every setting has this value already")


def _value(name: str, text: str) -> Any:
    if name == "fees_in_cost":
        return text == "yes"
    if name == "benchmark" and text == "none":
        return None
    return text


def _value_text(value: Any) -> str:
    return "none" if value is None else {True: "yes", False: "no"}.get(value, str(value))
