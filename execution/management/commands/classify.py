"""`manage.py classify SYMBOL [--sector S] [--region CC] [--asset-class A] [--isin I] [--figi F] [--known-at D]`."""

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.command import day_argument
from execution.terminal.command import TieoutCommand
from pricing.classifications import ASSET_CLASSES, SECTORS, TITLES, Kind, NoClassification
from pricing.providers import classifying
from pricing.quality.symbols import SymbolUnknown

EXPECTED = {
    Kind.SECTOR: f"one of {', '.join(SECTORS.values())}",
    Kind.REGION: "two letters of ISO 3166-1",
    Kind.ASSET_CLASS: f"one of {', '.join(ASSET_CLASSES.values())}",
    Kind.ISIN: "with its check digit",
    Kind.FIGI: "with its check digit",
}


class Command(TieoutCommand):
    help = "Say of a security what sector, country or asset class it is of, or its ISIN and FIGI, known from a day on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("symbol", metavar="SYMBOL", help="the security, by its symbol")
        for kind in Kind:
            parser.add_argument(
                f"--{kind.replace('_', '-')}", dest=kind.value, help=f"{TITLES[kind]}: {EXPECTED[kind]}"
            )
        parser.add_argument(
            "--known-at", dest="known_at", type=day_argument, help="since when that was known; today without it"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        texts = {kind: options[kind.value] for kind in Kind if options[kind.value] is not None}
        if not texts:
            raise CommandError("say at least one of --sector, --region, --asset-class, --isin, --figi", returncode=2)
        today = datetime.now(UTC).date()
        known_at = options["known_at"] or today
        if known_at > today:
            raise CommandError(f"--known-at {known_at}: nothing is known before its day", returncode=2)
        try:
            outcome = classifying.classify(options["symbol"], texts, known_at=known_at)
        except (NoClassification, SymbolUnknown) as failure:
            raise CommandError(str(failure), returncode=2) from failure
        if options["json"]:
            self.print_json(
                {"symbol": outcome.symbol, "known_at": outcome.known_at.isoformat(), "added": outcome.new_kinds}
            )
        elif outcome.new_kinds:
            kinds = ", ".join(each.replace("_", " ") for each in outcome.new_kinds)
            self.stdout.write(
                f"{outcome.symbol}: {kinds} known from {known_at} on; packs that are sealed from now on have it"
            )
        else:
            self.stdout.write(f"{outcome.symbol}: the market data say that already")
