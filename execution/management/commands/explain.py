"""`manage.py explain EXECUTION PATH`: what a figure of a stored execution is made of, down to rows."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from execution import explanation
from execution.executor import ExecutionNotFound
from execution.models import Execution
from execution.terminal import explained
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Take a figure of a stored execution apart: its formula, and what went in, down to rows of packs and transactions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("execution", type=UUID, help="the id of a stored execution, as execute prints it")
        parser.add_argument("path", help="a JSON pointer into the result, such as /valued_positions/total_value")

    def handle(self, *args: Any, **options: Any) -> None:
        execution = Execution.objects.select_related("user").filter(pk=options["execution"]).first()
        if execution is None:
            raise ExecutionNotFound
        document = explanation.explain(execution.pk, options["path"], user=execution.user)
        if options["json"]:
            self.print_json(document)
        else:
            self.stdout.write("\n".join(explained.lines(document)))
