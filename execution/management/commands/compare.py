"""`manage.py compare A B`: every figure in which two stored executions differ, and what moved it."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from execution import comparison
from execution.executor import ExecutionNotFound
from execution.models import Execution
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Compare two stored executions of one pattern and portfolio: every figure that differs, and what moved it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("before", metavar="A", type=UUID, help="the id of an execution, as execute prints it")
        parser.add_argument("after", metavar="B", type=UUID, help="the id of another of the same pattern and portfolio")

    def handle(self, *args: Any, **options: Any) -> None:
        first = Execution.objects.select_related("user").filter(pk=options["before"]).first()
        if first is None:
            raise ExecutionNotFound
        compared = comparison.compare(first.pk, options["after"], user=first.user)
        if options["json"]:
            self.print_json(comparison.as_dict(compared))
        else:
            self.stdout.write("\n".join(comparison.lines(compared)))
