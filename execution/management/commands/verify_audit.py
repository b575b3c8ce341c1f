"""`manage.py verify_audit`: is the audit log what was sealed, and are the rows what it says?"""

from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from compliance.audit import verification
from config.counts import number_of
from execution.night import audit_check
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = (
        "Compute all seals of the audit log again, and compare the rows that it alone can prove; exit 1 with the first entry or"
        " seal that was touched, left out or put in, and each row that is not as the log has it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        verified = verification.verify(most=1)
        first = next(iter(verified.differences), None)
        rows = [str(each) for each in audit_check.find_row_differences()]
        open_for = int((timezone.now() - verified.open_since).total_seconds()) if verified.open_since else 0
        if options["json"]:
            self.print_json(
                {
                    "seals": verified.seals,
                    "entries": verified.entries,
                    "open_entries": verified.open_entries,
                    "open_for_seconds": open_for,
                    "difference": str(first) if first else None,
                    "rows": rows,
                }
            )
        else:
            self.stdout.write(
                f"verified: {number_of(verified.entries, 'entry')} under {number_of(verified.seals, 'seal')};"
                f" {verified.open_entries} of the last {open_for} s are not sealed yet"
            )
            for each in rows:
                self.stdout.write(each)
        if first:
            raise CommandError(f"the audit log is not what was sealed: {first}")
        if rows:
            raise CommandError("rows are not what the audit log says")
