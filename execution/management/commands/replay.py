"""`manage.py replay ID`: compute a stored execution again and compare."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandParser

from execution import executor
from execution.executor import ExecutionNotFound
from execution.models import Execution
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = (
        "Compute a stored execution again from its pack, ledger commit and pattern version; exit 1 if a byte differs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("execution", type=UUID, help="the id of a stored execution, as execute prints it")

    def handle(self, *args: Any, **options: Any) -> None:
        execution = Execution.objects.select_related("user").filter(pk=options["execution"]).first()
        if execution is None:
            raise ExecutionNotFound
        served = executor.replay(execution.pk, user=execution.user)
        report = {"execution": str(execution.pk), "result_hash": served.metadata["result_hash"], "same": True}
        if options["json"]:
            self.print_json(report)
        else:
            self.stdout.write(f"{report['execution']}: same bytes, result hash {report['result_hash']}")
