"""`manage.py doctor`: what keeps this installation from working, one line each."""

from typing import Any

from config import doctor
from config.command import TieoutCommand


class Command(TieoutCommand):
    help = "Check database, roles, migrations, Redis, worker and beat; a line for each that is broken, and exit 1. Else advice."

    def handle(self, *args: Any, **options: Any) -> None:
        faults = doctor.find_faults() + doctor.find_pulse_faults()
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
                self.stdout.write("database, roles, migrations, Redis, worker and beat are well")
            for each in advice:
                self.stdout.write(str(each))
        if faults:
            raise SystemExit(1)
