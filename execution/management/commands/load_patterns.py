"""`manage.py load_patterns`: publish the library's documents."""

from typing import Any

from execution.patterns import publishing
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Publish the patterns of execution/library; what is published already and what staff decided stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [publishing.seed(document) for document in publishing.read_library().values()]
        if options["json"]:
            self.print_json(
                [{"pattern": row.pattern_id, "version": row.version, "outcome": row.outcome} for row in rows]
            )
        else:
            for row in rows:
                self.stdout.write(f"{row.pattern_id} {row.version}: {row.outcome}")
