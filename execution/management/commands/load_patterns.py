"""`manage.py load_patterns`: publish the library's documents."""

from typing import Any

from execution.patterns import publishing
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Publish the patterns of execution/library; what is published already stays as it is."

    def handle(self, *args: Any, **options: Any) -> None:
        rows = []
        for document in publishing.read_library().values():
            version, is_new = publishing.publish(document)
            rows.append({"pattern": version.pattern_id, "version": version.version, "published": is_new})
        if options["json"]:
            self.print_json(rows)
        else:
            for row in rows:
                self.stdout.write(
                    f"{row['pattern']} {row['version']}: {'published' if row['published'] else 'published before'}"
                )
