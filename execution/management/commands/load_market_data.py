"""`manage.py load_market_data DIR`: take in a market data folder, and the rights of its sources."""

from typing import Any

from django.core.management.base import CommandParser

from config.counts import number_of
from execution.operations import intake
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Take in a market data folder (securities, series, rights of the sources); packs are then built from it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR", help="the folder (docs/market-data.md says what is in it)")

    def handle(self, *args: Any, **options: Any) -> None:
        counts = intake.load_market_data(options["folder"])
        if options["json"]:
            self.print_json(counts)
        else:
            self.stdout.write(
                f"{number_of(counts['securities'], 'security')}, {number_of(counts['closes'], 'close')}, "
                f"{number_of(counts['rates'], 'rate')}, "
                f"{number_of(counts['observations'], 'observation')}, "
                f"{number_of(counts['sources'], 'source')}; pack days to {counts['archive_end']}"
            )
            if entered := counts["rights"]["entered"]:
                self.stdout.write(f"rights entered of {', '.join(entered)}")
            for change in counts["rights"]["differing"]:
                self.stderr.write(
                    f"{change['row']}: {change['field']} is {change['before']} here and {change['after']} in sources.csv; "
                    "what is decided here stays"
                )
