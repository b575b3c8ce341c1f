"""`manage.py verify_results`: are the stored answers and the published patterns what was stored?"""

from typing import Any

from django.core.management.base import CommandError

from execution.operations import altered
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = (
        "Prove every stored answer and every published pattern by its keyed digest; exit 1 with each that was altered."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        alterations = list(altered.find())
        if options["json"]:
            self.print_json([{"table": each.table, "row": each.row} for each in alterations])
        for each in alterations:
            if not options["json"]:
                self.stdout.write(f"{each.table} {each.row} was altered")
        if alterations:
            raise CommandError(f"{len(alterations):,} were altered")
        if not options["json"]:
            self.stdout.write("all are as they were stored")
