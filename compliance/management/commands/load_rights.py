"""`manage.py load_rights [FILE]`: enter the terms of providers; tell what is decided otherwise here."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from compliance import registry
from config.command import TieoutCommand


class Command(TieoutCommand):
    help = "Enter the rights of sources that are not known yet. What is known stays, and is told where the file says otherwise."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, default=registry.SHIPPED, help="default: the one that is shipped"
        )
        parser.add_argument("--replace", action="store_true", help="let the file win over what staff decided")

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = registry.load(options["file"], replace=options["replace"])
        if options["json"]:
            self.print_json(
                {
                    "version": loaded.version and loaded.version.pk,
                    "entered": loaded.entered,
                    "differing": [asdict(change) for change in loaded.differing],
                }
            )
            return
        if loaded.version:
            self.stdout.write(f"version {loaded.version.pk} decides now, with {', '.join(loaded.entered)}")
        else:
            self.stdout.write("every source of the file is known: nothing was entered")
        for change in loaded.differing:
            self.stdout.write(
                f"{change.row}: {change.field} is {change.before!r} here, and {change.after!r} in the file"
            )
        if loaded.differing:
            self.stdout.write("what is decided here stays; --replace lets the file win")
