"""`manage.py check_provider NAME`: ask the real provider once, and say what differs from what we expect of it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.counts import number_of
from execution.terminal.command import TieoutCommand
from pricing.providers import checking


class Command(TieoutCommand):
    help = "Ask a provider one small question over the network, and say what of its answer is not as we expect it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("provider", help=f"one of {', '.join(checking.CHECKS)}")

    def handle(self, *args: Any, **options: Any) -> None:
        outcome = checking.check(options["provider"], today=datetime.now(UTC).date())
        if options["json"]:
            self.print_json(asdict(outcome))
        else:
            self.stdout.write(
                f"{outcome.provider}: {number_of(outcome.rows, 'row')}, by the contract of {outcome.contract_as_of}"
            )
            self.stdout.writelines(f"differs: {difference}" for difference in outcome.differences)
        if outcome.differences:
            more = f", and {len(outcome.differences) - 1} more" if outcome.differences[1:] else ""
            raise CommandError(f"{outcome.provider} differs: {outcome.differences[0]}{more}", returncode=1)
