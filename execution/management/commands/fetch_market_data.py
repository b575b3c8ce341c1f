"""`manage.py fetch_market_data PROVIDER [NAME…] [--from D] [--to D]`: ask a provider, into the loaded market data."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError, CommandParser

from config.command import day_argument
from config.counts import number_of
from execution.operations.intake import market_data
from execution.terminal.command import TieoutCommand
from pricing.providers import fetching


class Command(TieoutCommand):
    help = "Ask a provider for closes, actions or series, and take them into the loaded market data; packs are then built from it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help=f"one of {', '.join(fetching.FETCHED)}")
        parser.add_argument(
            "only", metavar="NAME", nargs="*", help="symbols or series; all that are the provider's without"
        )
        parser.add_argument(
            "--from",
            dest="first",
            type=day_argument,
            help="first day; without it, a week before the end of what is loaded",
        )
        parser.add_argument("--to", dest="last", type=day_argument, help="last day; without it, yesterday")

    def handle(self, *args: Any, **options: Any) -> None:
        report = fetching.as_dict(
            market_data.fetch_market_data(
                provider=options["provider"],
                run=uuid4(),
                today=datetime.now(UTC).date(),
                first=options["first"],
                last=options["last"],
                only=options["only"],
            )
        )
        if options["json"]:
            self.print_json(report)
        else:
            for name, counts in report["counts"].items():
                self.stdout.write(f"{name}: " + ", ".join(f"{count} {what}" for what, count in counts.items() if count))
            self.stdout.write(
                f"pack days to {report['archive_end']}; {number_of(len(report['refused']), 'row')} refused, into quarantine"
            )
        if report["failed"]:
            failed = report["failed"]
            first = f"{failed[0]['what']} of {failed[0]['key']}: {failed[0]['reason']}"
            raise CommandError(f"{number_of(len(failed), 'question')} without an answer, first {first}", returncode=1)
