"""`manage.py load_market_data DIR`: take in a market data folder, and the rights of its sources."""

from typing import Any

from django.core.management.base import CommandParser

from execution.operations import intake
from execution.terminal.command import Command as Base


class Command(Base):
    help = "Take in a market data folder (securities, series, rights of the sources); packs are then built from it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", metavar="DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        told = intake.load_market_data(options["folder"])
        if options["json"]:
            self.print_json(told)
        else:
            self.stdout.write(
                f"{told['securities']} securities, {told['closes']} closes, {told['rates']} rates, "
                f"{told['observations']} observations, "
                f"{told['sources']} sources; pack days to {told['archive_end']}"
            )
