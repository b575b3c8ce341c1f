"""`manage.py pack_diff A B`: which rows of two packs differ, and what that does to each portfolio's value."""

from typing import Any

from django.core.management.base import CommandParser

from execution.operations import pack_diff
from execution.terminal.command import TieoutCommand
from pricing import packs


class Command(TieoutCommand):
    help = "List the rows in which two sealed packs differ, by effect, and the value of each portfolio at either."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("before", metavar="A", help="the id of a sealed pack, PP_<date>_<policy>_r<n>")
        parser.add_argument("after", metavar="B", help="the id of another of the same policy")

    def handle(self, *args: Any, **options: Any) -> None:
        before, after = (packs.find(pack_id=options[name]) for name in ("before", "after"))
        diff = pack_diff.compare(before, after)
        if options["json"]:
            self.print_json(pack_diff.as_dict(diff))
        else:
            self.stdout.write("\n".join(pack_diff.lines(diff)))
