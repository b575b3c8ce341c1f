"""`manage.py doctor`: what keeps this installation from working, one line each."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config import doctor


class Command(BaseCommand):
    help = (
        "Check database, roles, migrations and Redis; exit 1 with a line for each that is broken. Else advice, if any."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the faults as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        faults = doctor.find_faults()
        advice = [] if faults else doctor.find_advice()
        if options["json"]:
            found = [
                {"piece": each.piece, "what": each.what, "mend": each.mend, "is_advice": each in advice}
                for each in (*faults, *advice)
            ]
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for fault in faults:
                self.stderr.write(str(fault))
            if not faults:
                self.stdout.write("database, roles, migrations and Redis are well")
            for each in advice:
                self.stdout.write(str(each))
        if faults:
            raise SystemExit(1)
