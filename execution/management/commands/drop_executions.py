"""`manage.py drop_executions`: drop stored answers whose time is over, or those that are named."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import ProtectedError
from django.utils import timezone

from config.counts import number_of
from execution.models import DropReason, Execution
from execution.operations import retention
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Drop stored answers whose time is over, as is done each day, or those that are named; a row tells of each."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("ids", nargs="*", type=UUID, metavar="ID", help="executions to drop, whatever their age")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ids"]:
            self._drop(options["ids"], as_json=options["json"])
            return
        dropped = retention.drop_due(timezone.now())
        if options["json"]:
            self.print_json(asdict(dropped))
        else:
            self.stdout.write(
                f"dropped: {number_of(dropped.by_age, 'answer')} by age, {dropped.by_quota} by quota,"
                f" {number_of(dropped.keys, 'idempotency key')}"
            )

    def _drop(self, ids: list[UUID], *, as_json: bool) -> None:
        unknown = set(ids) - set(Execution.objects.filter(pk__in=ids).values_list("pk", flat=True))
        if unknown:
            raise CommandError(f"there is no execution {', '.join(sorted(map(str, unknown)))}: nothing was dropped")
        try:
            count = retention.drop(ids, DropReason.BY_HAND)
        except ProtectedError as failure:
            raise CommandError(
                "an export, or a retry with an idempotency key, rests on one of them: nothing was dropped"
            ) from failure
        if as_json:
            self.print_json({"by_hand": count})
        else:
            self.stdout.write(f"dropped: {count}")
