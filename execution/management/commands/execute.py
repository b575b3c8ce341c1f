"""`manage.py execute PATTERN`: run a pattern as its portfolio's owner."""

import json
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.command import day_argument
from execution import executor
from execution.executor import PortfolioNotFound
from execution.terminal import report
from execution.terminal.command import TieoutCommand
from portfolio.models import Portfolio


class Command(TieoutCommand):
    help = "Run a pattern for a portfolio, as its owner, and print the result."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("pattern", help="the id of a published pattern, such as portfolio_overview")
        parser.add_argument("--portfolio", metavar="SLUG", required=True, help="the portfolio, by its slug")
        parser.add_argument(
            "--input",
            action="append",
            default=[],
            metavar="K=V",
            help="an input of the pattern; V is JSON, or else a string; may be given again",
        )
        parser.add_argument(
            "--asof",
            type=day_argument,
            metavar="D",
            help="the as-of date, YYYY-MM-DD; without it, the newest pack day",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        portfolio = Portfolio.objects.select_related("owner").filter(slug=options["portfolio"]).first()
        if portfolio is None:
            raise PortfolioNotFound
        request = executor.Request(
            pattern_id=options["pattern"],
            inputs=dict(_input(pair) for pair in options["input"]),
            portfolio_id=portfolio.pk,
            asof_date=options["asof"],
        )
        served = executor.execute(request, user=portfolio.owner)
        if options["json"]:
            self.print_json(json.loads(served.body()))
        else:
            report.show(served, portfolio.name)


def _input(pair: str) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise CommandError(f"--input {pair!r}: write NAME=VALUE", returncode=2)
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
