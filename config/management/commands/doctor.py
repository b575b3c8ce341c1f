"""`manage.py doctor`: what keeps this installation from working, one line each."""

from typing import Any

from django.core.management.base import CommandParser

from config import doctor, pulse
from config.command import TieoutCommand

PIECES = "database, roles, migrations, Redis, worker and beat"


class Command(TieoutCommand):
    help = "Check database, roles, migrations, Redis, worker and beat; a line for each that is broken, and exit 1. Else advice."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--alive",
            choices=(pulse.WORKER, pulse.BEAT),
            help="only whether this one, and Redis by which it shows itself, are: the health check of its container",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        alone = options["alive"]
        if alone:
            redis_fault = doctor.find_redis_fault()
            faults = [redis_fault] if redis_fault else doctor.find_pulse_faults([alone])
        else:
            faults = doctor.find_faults() + doctor.find_pulse_faults()
        advice = [] if faults or alone else doctor.find_advice()
        if options["json"]:
            fault_documents = [
                {"piece": each.piece, "what": each.what, "mend": each.mend, "is_advice": each in advice}
                for each in (*faults, *advice)
            ]
            self.print_json(fault_documents)
        else:
            for fault in faults:
                self.stderr.write(str(fault))
            if not faults:
                self.stdout.write(f"{alone} is well" if alone else f"{PIECES} are well")
            for each in advice:
                self.stdout.write(str(each))
        if faults:
            raise SystemExit(1)
