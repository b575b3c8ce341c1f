"""`manage.py verify_bundle FILE`: is a bundle what was signed?"""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from config.counts import number_of
from execution import exports
from execution.terminal.command import TieoutCommand


class Command(TieoutCommand):
    help = "Verify a bundle by the keys of this installation, or by those in a file; exit 1 with what is not as it was signed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="a bundle")
        parser.add_argument("--keys", help="what /.well-known/tieout-keys.json of who made it gave")

    def handle(self, *args: Any, **options: Any) -> None:
        keys = _read_keys(Path(options["keys"])) if options["keys"] else exports.keys.published()
        findings = exports.check(_read(Path(options["file"])), keys)
        if options["json"]:
            self.print_json({"faults": findings.faults, "keyid": findings.keyid, "manifest": findings.manifest})
        if findings.faults:
            raise CommandError("; ".join(findings.faults))
        if options["json"]:
            return
        manifest = findings.manifest
        assert manifest is not None  # where there is no fault
        self.stdout.write(f"what was signed by the key {findings.keyid}, exported {manifest['exported_at']}")
        self.stdout.write(
            f"{manifest['title']} of {manifest['portfolio']} as of {manifest['asof_date']}, pack {manifest['pricing_pack_id']}"
        )
        self.stdout.write(f"result {manifest['result_hash']}, ledger commit {manifest['ledger_commit_hash']}")
        self.stdout.write(
            f"{number_of(findings.rows, 'row')} of the pack, and {findings.rows_withheld} that may not travel"
        )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as absent:
        raise CommandError(f"{path} can't be read: {absent.strerror}") from absent


def _read_keys(path: Path) -> list[exports.PublicKey]:
    try:
        return [exports.PublicKey.from_dict(each) for each in json.loads(_read(path))["keys"]]
    except (KeyError, TypeError, ValueError) as malformed:
        raise CommandError(f"{path} is not what /.well-known/tieout-keys.json gives") from malformed
