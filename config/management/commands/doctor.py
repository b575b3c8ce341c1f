"""`manage.py doctor`: what keeps this installation from working, one line each."""

from typing import Any

from config import doctor
from config.command import TieoutCommand


class Command(TieoutCommand):
    help = (
        "Check database, roles, migrations and Redis; exit 1 with a line for each that is broken. Else advice, if any."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        faults = doctor.find_faults()
        advice = [] if faults else doctor.find_advice()
        if options["json"]:
            found = [
                {"piece": each.piece, "what": each.what, "mend": each.mend, "is_advice": each in advice}
                for each in (*faults, *advice)
            ]
            self.print_json(found)
        else:
            for fault in faults:
                self.stderr.write(str(fault))
            if not faults:
                self.stdout.write("database, roles, migrations and Redis are well")
            for each in advice:
                self.stdout.write(str(each))
        if faults:
            raise SystemExit(1)
