"""From a pattern document to a version that is served. What the linter finds fault with is not published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from agents import registry
from config import locks, scope, strict_json
from config.counts import number_of
from config.errors import TieoutError
from execution.models import Pattern, PatternVersion
from execution.patterns import document, linter, versions
from execution.patterns.document import ParsedPattern

LIBRARY = Path(__file__).parents[1] / "library"
MAX_DOCUMENT_BYTES = 1024 * 1024
MAX_MESSAGE = 400


class PatternRefused(TieoutError):
    """A document may not be published. findings: every rule that it breaks."""

    def __init__(self, name: str, findings: Sequence[linter.LintFinding]) -> None:
        self.name, self.findings = name, tuple(findings)
        first = "; ".join(f"{finding.path}: {finding.message}" for finding in self.findings[:5])
        super().__init__(f"pattern {name} is refused, {number_of(len(self.findings), 'finding')}: {first}")


class ReasonMissing(TieoutError):
    def __init__(self) -> None:
        super().__init__("say why: it is on record with a reason")


class VersionTaken(TieoutError):
    """A published version never changes: this number is published with another document."""

    def __init__(self, pattern_id: str, version: str) -> None:
        super().__init__(f"{pattern_id} {version} is published with another document: raise its version")
        self.pattern_id, self.version = pattern_id, version


@dataclass(frozen=True, slots=True)
class Change:
    """Who wrote a version, who published it, and why. Ids of users."""

    author: int
    published_by: int
    message: str

    def as_columns(self) -> dict[str, Any]:
        return {"author_id": self.author, "published_by_id": self.published_by, "message": self.message}


@dataclass(frozen=True, slots=True)
class Seeded:
    """What became of a document of the library."""

    pattern_id: str
    version: str
    outcome: str


def check(content: Mapping[str, Any], name: str) -> ParsedPattern:
    """The document as a pattern that can run. Raises PatternInvalid, PatternRefused."""
    pattern = document.parse(content)
    findings = linter.lint(pattern, registry.default)
    if findings:
        raise PatternRefused(name, findings)
    return pattern


def lock(pattern_id: str) -> None:
    """Until the end of the transaction nobody else publishes, retires or brings back this pattern."""
    locks.lock_until_commit(f"pattern:{pattern_id}")


@transaction.atomic
def publish(content: Mapping[str, Any], change: Change | None = None) -> tuple[PatternVersion, bool]:
    """The version of a document, served from now on, and whether it is new.

    change   who wrote it and why; None: it is the library's
    raises   PatternInvalid, PatternRefused, VersionTaken; versions.PatternAltered where the published version was changed
    """
    pattern = check(content, str(content.get("id", "without id")))
    lock(pattern.id)
    row, _ = Pattern.objects.get_or_create(pk=pattern.id, defaults={"title": pattern.title})
    new = PatternVersion(pattern=row, version=pattern.version, document=content, document_hash=pattern.document_hash)
    version, is_new = PatternVersion.objects.get_or_create(
        pattern=row,
        version=pattern.version,
        defaults={
            "document": new.document,
            "document_hash": new.document_hash,
            "digest": versions.digest_of(new),
            "based_on_id": row.current_id,
            **({} if change is None else change.as_columns()),
        },
    )
    if version.document_hash != pattern.document_hash:
        raise VersionTaken(pattern.id, pattern.version)
    versions.require_intact(version)
    if row.current_id != version.pk:
        row.current, row.title = version, pattern.title
        row.save(update_fields=["current", "title"])
    return version, is_new


@transaction.atomic
def seed(content: Mapping[str, Any]) -> Seeded:
    """Publish a document of the library, unless staff published or retired this pattern: what they decided stays.

    raises   what publish raises
    """
    pattern = check(content, str(content.get("id", "without id")))
    lock(pattern.id)
    row = Pattern.objects.select_related("current").filter(pk=pattern.id).first()
    if row is not None and row.retired_at is not None:
        return Seeded(pattern.id, pattern.version, f"left alone: staff retired it on {row.retired_at:%Y-%m-%d}")
    if row is not None and row.current is not None and row.current.author_id is not None:
        day = f"{row.current.published_at:%Y-%m-%d}"
        return Seeded(pattern.id, pattern.version, f"left alone: staff published {row.current.version} on {day}")
    _, is_new = publish(content)
    return Seeded(pattern.id, pattern.version, "published" if is_new else "published before")


@transaction.atomic
def retire(pattern_id: str, *, because: str, by: int) -> None:
    """Answer no more by a pattern that is served; its versions and what they answered stay. Raises ReasonMissing."""
    _move(pattern_id, because=because, was_retired=False, retired_at=timezone.now(), retired_by=by)


@transaction.atomic
def bring_back(pattern_id: str, *, because: str, by: int) -> None:
    """Answer again by a pattern that was retired, with the version that it served then. Raises ReasonMissing."""
    _move(pattern_id, because=because, was_retired=True, retired_at=None, retired_by=None)


def _move(
    pattern_id: str, *, because: str, was_retired: bool, retired_at: datetime | None, retired_by: int | None
) -> None:
    if not because.strip():
        raise ReasonMissing
    lock(pattern_id)
    reason = because.strip()[:MAX_MESSAGE]
    with scope.because(reason):
        Pattern.objects.filter(pk=pattern_id, current__isnull=False, retired_at__isnull=not was_retired).update(
            retired_at=retired_at, retired_by=retired_by, retired_because=reason if retired_at else ""
        )


def read_library(folder: Path = LIBRARY) -> dict[str, Mapping[str, Any]]:
    """File name -> document. A file that is no JSON document raises; none is passed over."""
    return {
        path.name: strict_json.loads(path.read_bytes(), max_bytes=MAX_DOCUMENT_BYTES)
        for path in sorted(folder.glob("*.json"))
    }
