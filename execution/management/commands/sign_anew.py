"""`manage.py sign_anew`: after RESULT_KEY was replaced, make the digests of the earlier keys anew."""

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from config.counts import number_of
from execution.operations import key_rotation
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = (
        "Give each stored answer and published pattern that a key of RESULT_KEY_FALLBACKS proves the digest of RESULT_KEY,"
        " as the owner of the tables; exit 1 with each that no key proves, which is left as it is."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        signed = key_rotation.sign_anew()
        if options["json"]:
            self.print_json(asdict(signed))
        else:
            self.stdout.write(
                f"signed anew: {number_of(signed.executions, 'answer')}, {number_of(signed.patterns, 'published pattern')}"
            )
            for each in signed.altered:
                self.stdout.write(f"{each} was altered")
        if signed.altered:
            raise CommandError(f"{len(signed.altered):,} were altered")
