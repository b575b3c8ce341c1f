"""What all commands share: --json, one line for a failure that is expected, exit codes."""

import json
from argparse import ArgumentTypeError
from datetime import date
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import dates, origin, telemetry
from config.errors import TieoutError
from config.telemetry import tracing

EXIT_FAILED = 1


def day_argument(text: str) -> date:
    """The type of an option that is a day."""
    try:
        return dates.parse(text)
    except ValueError as fault:
        raise ArgumentTypeError(str(fault)) from fault


class TieoutCommand(BaseCommand):
    """A verb's face on the command line. Data goes to stdout, all else to stderr; nothing ever asks back. What
    it does not expect is told by config/command_line.py."""

    requires_system_checks = []
    has_json: ClassVar[bool] = True
    """Whether the command takes --json."""

    @property
    def name(self) -> str:
        """As it is called."""
        return type(self).__module__.rpartition(".")[2]

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.has_json:
            parser.add_argument("--json", action="store_true", help="print JSON")
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        tracing.start("command")
        try:
            with origin.of_process(origin.Door.COMMAND, self.name), telemetry.span("command.run"):
                return super().execute(*args, **options)
        except TieoutError as failure:
            raise CommandError(str(failure), returncode=self.exit_code(failure)) from failure
        except ValidationError as faults:
            raise CommandError("; ".join(faults.messages), returncode=EXIT_FAILED) from faults

    def exit_code(self, failure: TieoutError) -> int:
        return EXIT_FAILED

    def print_json(self, data: Any) -> None:
        self.stdout.write(json.dumps(data, indent=2, default=str, ensure_ascii=False))
