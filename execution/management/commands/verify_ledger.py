"""`manage.py verify_ledger`: do the books agree at the newest pack, and is the stored history what the ledger makes?"""

from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError

from config.counts import number_of
from config.decimals import plain
from execution.night import history_check
from execution.operations import shown_values
from execution.terminal.command import TieoutCommand
from portfolio.books import pack_prices, reconciliation
from portfolio.books.comparison import VALUATION_MISMATCH
from portfolio.models import Portfolio
from pricing import market, packs
from pricing.models import PricingPolicy


class Command(TieoutCommand):
    help = (
        "Compare every portfolio's ledger with the database at the newest sealed pack, derive its whole history again and compare"
        " every row; exit 1 if they differ."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        rows: list[dict[str, Any]] = []
        differences = packs.find_security_differences()
        for policy in PricingPolicy.objects.filter(packs__sequence__isnull=False).distinct().order_by("code"):
            pack = packs.require_sealed(pack=packs.resolve(policy=policy))
            prices = pack_prices.load([pack], policy.pivot)
            actions = market.actions(pack)
            for portfolio in Portfolio.objects.filter(policy=policy).order_by("slug"):
                (reconciled,) = reconciliation.reconcile(
                    portfolio=portfolio, packs=[pack], prices=prices, actions=actions, run=uuid4()
                )
                withheld = shown_values.find_withheld([(portfolio.pk, pack.pk)])
                rows.append(
                    {
                        "portfolio": portfolio.slug,
                        "pack_id": pack.pk,
                        "compared": reconciled.compared,
                        "error_bp": None if reconciled.error_bp is None else plain(round(reconciled.error_bp, 6)),
                        "breaks": [
                            each.kind if withheld and each.kind == VALUATION_MISMATCH else str(each)
                            for each in reconciled.breaks
                        ],
                        "price_differences": [] if withheld else [str(each) for each in reconciled.price_differences],
                    }
                )
            differences += history_check.find_differences(policy)
        if options["json"]:
            self.print_json({"portfolios": rows, "differences": [str(each) for each in differences]})
        else:
            for each in rows:
                verdict = "; ".join(each["breaks"] or [*["ties out"], *each["price_differences"]])
                self.stdout.write(
                    f"{each['portfolio']} at {each['pack_id']}: {verdict}"
                    f" ({number_of(each['compared'], 'balance')}, {each['error_bp']} bp)"
                )
            for difference in differences:
                self.stdout.write(str(difference))
        if differences or any(each["breaks"] for each in rows):
            raise CommandError("ledger and database differ")
