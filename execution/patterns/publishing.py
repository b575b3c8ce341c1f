"""From a pattern document to a version that is served. The linter stands at the door."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.db import transaction

from agents import registry
from config import strict_json
from config.errors import TieoutError
from execution import patterns
from execution.models import Pattern, PatternVersion
from execution.patterns import linter

LIBRARY = Path(__file__).parents[1] / "library"
MAX_DOCUMENT_BYTES = 1024 * 1024


class PatternRefused(TieoutError):
    """A document that may not be published. findings: each with path, rule and message."""

    def __init__(self, name: str, findings: Iterable[Any]) -> None:
        self.name, self.findings = name, tuple(findings)
        told = "; ".join(f"{finding.path}: {finding.message}" for finding in self.findings[:5])
        super().__init__(f"pattern {name} is refused, {len(self.findings)} findings: {told}")


class VersionTaken(TieoutError):
    """A published version never changes: the same number with another document."""

    def __init__(self, pattern_id: str, version: str) -> None:
        super().__init__(f"{pattern_id} {version} is published with another document: raise its version")
        self.pattern_id, self.version = pattern_id, version


def check(document: Mapping[str, Any], name: str) -> patterns.Pattern:
    """The document as a pattern that can run. Raises patterns.PatternInvalid, PatternRefused."""
    pattern = patterns.parse(document)
    findings = linter.lint(pattern, registry.default)
    if findings:
        raise PatternRefused(name, findings)
    return pattern


@transaction.atomic
def publish(document: Mapping[str, Any]) -> tuple[PatternVersion, bool]:
    """The version of a document, serving from now on, and whether it is new.

    raises   patterns.PatternInvalid, PatternRefused, VersionTaken
    """
    pattern = check(document, str(document.get("id", "without id")))
    kept, _ = Pattern.objects.get_or_create(pk=pattern.id, defaults={"title": pattern.title})
    version, is_new = PatternVersion.objects.get_or_create(
        pattern=kept, version=pattern.version, defaults={"document": document, "document_hash": pattern.document_hash}
    )
    if version.document_hash != pattern.document_hash:
        raise VersionTaken(pattern.id, pattern.version)
    if kept.current_id != version.pk:
        kept.current, kept.title = version, pattern.title
        kept.save(update_fields=["current", "title"])
    return version, is_new


def read_library(folder: Path = LIBRARY) -> dict[str, Mapping[str, Any]]:
    """File name -> document. A file that is no JSON document raises; none is passed over."""
    return {
        path.name: strict_json.loads(path.read_bytes(), max_bytes=MAX_DOCUMENT_BYTES)
        for path in sorted(folder.glob("*.json"))
    }
