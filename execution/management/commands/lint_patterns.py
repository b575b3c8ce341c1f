"""`manage.py lint_patterns`: can the library's documents be published, and are they what was published?"""

from typing import Any

from django.core.management.base import CommandError

from config.counts import number_of
from execution.patterns import PatternInvalid, library_record, publishing
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Check the patterns of execution/library; exit 1 with each finding's file and path."

    def handle(self, *args: Any, **options: Any) -> None:
        findings = []
        documents = publishing.read_library()
        published = library_record.read(library_record.RECORD.read_text(encoding="utf-8"))
        for name, document in documents.items():
            try:
                pattern = publishing.check(document, name)
            except PatternInvalid as invalid:
                findings += [{"file": name, "path": each.pointer, "message": each.reason} for each in invalid.findings]
            except publishing.PatternRefused as refusal:
                findings += [{"file": name, "path": each.path, "message": each.message} for each in refusal.findings]
            else:
                if (fault := library_record.find_fault(pattern, published)) is not None:
                    findings.append({"file": name, "path": "/version", "message": fault})
                if name != f"{pattern.id}.json":
                    message = f"is {pattern.id}, so that the file has to be {pattern.id}.json"
                    findings.append({"file": name, "path": "/id", "message": message})
        if options["json"]:
            self.print_json(findings)
        else:
            for finding in findings:
                self.stderr.write(f"{finding['file']}{finding['path']}: {finding['message']}")
        if findings:
            raise CommandError(f"{number_of(len(findings), 'finding')} in {number_of(len(documents), 'pattern')}")
        if not options["json"]:
            self.stdout.write(f"{number_of(len(documents), 'pattern')} can be published")
