"""Published versions of patterns, as rows and as parsed documents. A version is proved by its keyed digest before it is used."""

import json
from collections.abc import Sequence
from functools import lru_cache

from django.db.models import F, QuerySet

from agents import registry
from config import keyed_digest
from config.errors import TieoutError
from execution import canonical
from execution.models import Pattern, PatternVersion
from execution.patterns import document
from execution.patterns.document import ParsedPattern

KIND = "pattern"


class PatternNotFound(TieoutError):
    def __init__(self, pattern_id: str, near: Sequence[str]) -> None:
        super().__init__(f"there is no pattern {pattern_id!r}" + (f"; near: {', '.join(near)}" if near else ""))
        self.pattern_id, self.near = pattern_id, tuple(near)


class VersionNotFound(TieoutError):
    """No version of this name was published of a pattern."""

    def __init__(self, pattern_id: str, version: str, published: Sequence[str]) -> None:
        super().__init__(f"pattern {pattern_id} has no version {version!r}; published: {', '.join(published)}")
        self.pattern_id, self.version, self.published = pattern_id, version, tuple(published)


class PatternRetired(TieoutError):
    """The pattern answers no more. What it answered is still there."""

    def __init__(self, pattern: Pattern) -> None:
        super().__init__(f"pattern {pattern.pk} is retired: {pattern.retired_because}")
        self.pattern_id, self.retired_at, self.reason = pattern.pk, pattern.retired_at, pattern.retired_because


class PatternUnusable(TieoutError):
    """A published version can't be run by this release. findings: what is wrong with its document."""

    def __init__(self, pattern_id: str, version: str, findings: Sequence[document.Violation]) -> None:
        super().__init__(
            f"{pattern_id} {version} can't be run by this release: ask another version, or have one published that can"
        )
        self.pattern_id, self.version, self.findings = pattern_id, version, tuple(findings)


class PatternAltered(TieoutError):
    """The row of a published version is not what was published."""

    def __init__(self, pattern_id: str, version: str) -> None:
        super().__init__(
            f"pattern {pattern_id} {version} was changed after it was published, and is not used: tell whoever operates the service"
        )
        self.pattern_id, self.version = pattern_id, version


def digest_of(version: PatternVersion) -> str:
    """The keyed digest of a version. Raises NotRenderable for a document that can't be one."""
    return keyed_digest.of(KIND, _content(version))


def is_intact(version: PatternVersion) -> bool:
    """Whether a version is what was published. It is remembered by all that it depends on."""
    text = json.dumps(version.document)
    return _is_intact(version.pattern_id, version.version, version.document_hash, text, version.digest)


@lru_cache(maxsize=64)
def _is_intact(pattern_id: str, version: str, document_hash: str, text: str, digest: str) -> bool:
    row = PatternVersion(pattern_id=pattern_id, version=version, document_hash=document_hash, document=json.loads(text))
    try:
        return keyed_digest.is_right(digest, KIND, _content(row))
    except canonical.NotRenderable:  # so it is nothing that was published
        return False


def _content(version: PatternVersion) -> bytes:
    return canonical.canonical_bytes([version.pattern_id, version.version, version.document_hash, version.document])


def require_intact(version: PatternVersion) -> PatternVersion:
    """The version. Raises PatternAltered, told to the operator, where it is not what was published."""
    if not is_intact(version):
        keyed_digest.tell_altered("pattern", pattern_id=version.pattern_id, pattern_version=version.version)
        raise PatternAltered(version.pattern_id, version.version)
    return version


def published_version(pattern_id: str, version: str) -> PatternVersion:
    """A version that is there. Raises PatternAltered."""
    return require_intact(PatternVersion.objects.get(pattern=pattern_id, version=version))


def current_version(pattern_id: str) -> PatternVersion:
    """The version of a pattern that is served.

    raises   PatternNotFound with up to three near names; PatternRetired, PatternAltered
    """
    try:
        version = PatternVersion.objects.select_related("pattern").get(pattern=pattern_id, pattern__current=F("pk"))
    except PatternVersion.DoesNotExist:
        near = registry.near(pattern_id, served_patterns().values_list("id", flat=True))
        raise PatternNotFound(pattern_id, near) from None
    if version.pattern.retired_at is not None:
        raise PatternRetired(version.pattern)
    return require_intact(version)


def find_version(pattern_id: str, version: str | None) -> PatternVersion:
    """A version that can be asked: of a pattern that is served any that was published, None the one that is served.

    raises   PatternNotFound with up to three near names; VersionNotFound; PatternRetired, PatternAltered
    """
    current = current_version(pattern_id)
    if version in (None, current.version):
        return current
    row = PatternVersion.objects.select_related("pattern").filter(pattern=pattern_id, version=version).first()
    if row is None:
        raise VersionNotFound(pattern_id, version or "", published_names(pattern_id))
    return require_intact(row)


def published_names(pattern_id: str) -> tuple[str, ...]:
    """The names of all versions of a pattern, the newest first."""
    rows = PatternVersion.objects.filter(pattern=pattern_id).order_by("-published_at", "-pk")
    return tuple(rows.values_list("version", flat=True))


def served_patterns() -> QuerySet[Pattern]:
    """The patterns that can be asked."""
    return Pattern.objects.filter(current__isnull=False, retired_at__isnull=True)


def parse_version(version: PatternVersion) -> ParsedPattern:
    """The document of a version as a pattern. Parsed documents are cached by their text.

    raises   PatternAltered, PatternUnusable
    """
    try:
        return _parse_text(json.dumps(require_intact(version).document))
    except document.PatternInvalid as invalid:
        raise PatternUnusable(version.pattern_id, version.version, invalid.findings) from invalid


@lru_cache(maxsize=64)
def _parse_text(text: str) -> ParsedPattern:
    return document.parse(json.loads(text))
