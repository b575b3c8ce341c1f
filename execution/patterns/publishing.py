"""From a pattern document to a version that is served. What the linter finds fault with is not published."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from agents import registry
from config import strict_json
from config.errors import TieoutError
from execution.models import Pattern, PatternVersion
from execution.patterns import document, linter, versions
from execution.patterns.document import ParsedPattern

LIBRARY = Path(__file__).parents[1] / "library"
MAX_DOCUMENT_BYTES = 1024 * 1024


class PatternRefused(TieoutError):
    """A document may not be published. findings: every rule that it breaks."""

    def __init__(self, name: str, findings: Sequence[linter.LintFinding]) -> None:
        self.name, self.findings = name, tuple(findings)
        first = "; ".join(f"{finding.path}: {finding.message}" for finding in self.findings[:5])
        super().__init__(f"pattern {name} is refused, {len(self.findings)} findings: {first}")


class VersionTaken(TieoutError):
    """A published version never changes: this number is published with another document."""

    def __init__(self, pattern_id: str, version: str) -> None:
        super().__init__(f"{pattern_id} {version} is published with another document: raise its version")
        self.pattern_id, self.version = pattern_id, version


def check(content: Mapping[str, Any], name: str) -> ParsedPattern:
    """The document as a pattern that can run. Raises PatternInvalid, PatternRefused."""
    pattern = document.parse(content)
    findings = linter.lint(pattern, registry.default)
    if findings:
        raise PatternRefused(name, findings)
    return pattern


@transaction.atomic
def publish(content: Mapping[str, Any]) -> tuple[PatternVersion, bool]:
    """The version of a document, served from now on, and whether it is new.

    raises   PatternInvalid, PatternRefused, VersionTaken; versions.PatternAltered where the published version was changed
    """
    pattern = check(content, str(content.get("id", "without id")))
    row, _ = Pattern.objects.get_or_create(pk=pattern.id, defaults={"title": pattern.title})
    new = PatternVersion(pattern=row, version=pattern.version, document=content, document_hash=pattern.document_hash)
    version, is_new = PatternVersion.objects.get_or_create(
        pattern=row,
        version=pattern.version,
        defaults={
            "document": new.document,
            "document_hash": new.document_hash,
            "digest": versions.digest_of(new),
        },
    )
    if version.document_hash != pattern.document_hash:
        raise VersionTaken(pattern.id, pattern.version)
    versions.require_intact(version)
    if row.current_id != version.pk:
        row.current, row.title = version, pattern.title
        row.save(update_fields=["current", "title"])
    return version, is_new


def read_library(folder: Path = LIBRARY) -> dict[str, Mapping[str, Any]]:
    """File name -> document. A file that is no JSON document raises; none is passed over."""
    return {
        path.name: strict_json.loads(path.read_bytes(), max_bytes=MAX_DOCUMENT_BYTES)
        for path in sorted(folder.glob("*.json"))
    }
