"""Drafts of patterns: what staff write, revision by revision, until it is published as a version."""

import re
from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from config import scope, strict_json
from config.errors import TieoutError
from execution.models import Pattern, PatternDraft, PatternVersion
from execution.patterns import document_text, publishing, versions
from execution.patterns.document import PatternInvalid, Violation
from execution.patterns.document_text import order_of
from execution.patterns.publishing import MAX_DOCUMENT_BYTES, MAX_MESSAGE, Change, ReasonMissing

VERSION: Final = re.compile(r"\d{1,6}\.\d{1,6}\.\d{1,6}", re.ASCII)


class DraftExists(TieoutError):
    """A pattern has one draft."""

    def __init__(self, pattern_id: str) -> None:
        super().__init__(f"there is a draft of {pattern_id} already")
        self.pattern_id = pattern_id


class DraftOvertaken(TieoutError):
    """Somebody else saved, published or discarded the draft meanwhile. other: as it is now, None where it is gone."""

    def __init__(self, pattern_id: str, other: PatternDraft | None) -> None:
        what = f"saved by {other.saved_by} meanwhile" if other else "published or discarded meanwhile"
        super().__init__(f"the draft of {pattern_id} was {what}")
        self.pattern_id, self.other = pattern_id, other


class VersionOvertaken(TieoutError):
    """Another version is served by now than the one that the draft began with."""

    def __init__(self, pattern_id: str, current: PatternVersion | None) -> None:
        served = current.version if current else "none"
        super().__init__(
            f"{pattern_id} serves {served} by now, the draft began with another version: compare, and begin anew"
        )
        self.pattern_id, self.current = pattern_id, current


class VersionNotRaised(TieoutError):
    def __init__(self, pattern_id: str, version: str, highest: str) -> None:
        super().__init__(f"{pattern_id} has a version {highest}: {version} has to be higher")
        self.pattern_id, self.version, self.highest = pattern_id, version, highest


class PublisherIsAuthor(TieoutError):
    def __init__(self) -> None:
        super().__init__("who proposed a version may not publish it here: somebody else must (PATTERNS_SECOND_PERSON)")


@transaction.atomic
def begin(pattern_id: str, text: str, *, by: int) -> PatternDraft:
    """A draft of a pattern that is new, or whose served version it follows. Raises DraftExists."""
    publishing.lock(pattern_id)
    if PatternDraft.objects.filter(pk=pattern_id).exists():
        raise DraftExists(pattern_id)
    pattern = Pattern.objects.filter(pk=pattern_id).first()
    return PatternDraft.objects.create(
        id=pattern_id,
        text=text,
        based_on_id=pattern.current_id if pattern else None,
        saved_by_id=by,
        saved_at=timezone.now(),
    )


def begin_with(document: Mapping[str, Any], *, by: int) -> PatternDraft:
    """A draft with a document; its version is raised where the pattern has one as high. Raises DraftExists."""
    pattern_id, version = document["id"], str(document.get("version", ""))
    highest = _highest(pattern_id)
    if highest is not None and (not VERSION.fullmatch(version) or order_of(version) <= order_of(highest)):
        document = {**document, "version": document_text.next_version(highest)}
    return begin(pattern_id, document_text.write(document), by=by)


def begin_from(version: PatternVersion, *, by: int) -> PatternDraft:
    """A draft of the next version, with the document of one that is published. Raises DraftExists; PatternAltered."""
    return begin_with(versions.require_intact(version).document, by=by)


@transaction.atomic
def save(pattern_id: str, text: str, *, revision: int, by: int) -> PatternDraft:
    """Another revision of the draft, after the one that its editor had before them. A proposal falls with it.

    raises   DraftOvertaken
    """
    saved = PatternDraft.objects.filter(pk=pattern_id, revision=revision).update(
        text=text, revision=revision + 1, saved_by_id=by, saved_at=timezone.now(), proposed_by=None, message=""
    )
    if not saved:
        raise DraftOvertaken(pattern_id, _find(pattern_id))
    return PatternDraft.objects.get(pk=pattern_id)


@transaction.atomic
def discard(pattern_id: str, *, revision: int) -> None:
    """Raises DraftOvertaken."""
    deleted, _ = PatternDraft.objects.filter(pk=pattern_id, revision=revision).delete()
    if not deleted:
        raise DraftOvertaken(pattern_id, _find(pattern_id))


@transaction.atomic
def propose(pattern_id: str, *, revision: int, message: str, by: int) -> PatternVersion | None:
    """Publish a revision of the draft; None where a second person is asked for, who must `publish` it.

    raises   ReasonMissing, and what publish raises
    """
    message = message.strip()[:MAX_MESSAGE]
    if not message:
        raise ReasonMissing
    draft = _require(pattern_id, revision)
    if not settings.PATTERNS_SECOND_PERSON:
        return _publish(draft, Change(by, by, message))
    _check(draft)
    draft.proposed_by_id, draft.message = by, message
    draft.save(update_fields=["proposed_by", "message"])
    return None


@transaction.atomic
def publish(pattern_id: str, *, revision: int, by: int) -> PatternVersion:
    """Publish what somebody else proposed.

    raises   DraftOvertaken, VersionOvertaken, VersionNotRaised, PublisherIsAuthor; JsonRefused, PatternInvalid, PatternRefused;
             PatternRetired
    """
    draft = _require(pattern_id, revision)
    if draft.proposed_by_id is None:
        raise DraftOvertaken(pattern_id, draft)
    if draft.proposed_by_id == by:
        raise PublisherIsAuthor
    return _publish(draft, Change(draft.proposed_by_id, by, draft.message))


def read(draft: PatternDraft) -> dict[str, Any]:
    """The document that a draft's text is. Raises JsonRefused, PatternInvalid."""
    document = strict_json.loads(draft.text.encode(), max_bytes=MAX_DOCUMENT_BYTES)
    if not isinstance(document, dict):
        raise PatternInvalid([Violation("", "a pattern is an object")])
    if document.get("id") != draft.pk:
        raise PatternInvalid([Violation("/id", f"this is the draft of {draft.pk}; copy it to begin another pattern")])
    return document


def _publish(draft: PatternDraft, change: Change) -> PatternVersion:
    document = _check(draft)
    with scope.because(change.message):
        version, _ = publishing.publish(document, change)
        draft.delete()
    return version


def _check(draft: PatternDraft) -> dict[str, Any]:
    """The document, which can be published as the next version."""
    document = read(draft)
    parsed = publishing.check(document, draft.pk)
    pattern = Pattern.objects.select_related("current").filter(pk=draft.pk).first()
    if pattern is not None and pattern.retired_at is not None:
        raise versions.PatternRetired(pattern)
    if draft.based_on_id != (pattern.current_id if pattern else None):
        raise VersionOvertaken(draft.pk, pattern.current if pattern else None)
    highest = _highest(draft.pk)
    if highest is not None and order_of(parsed.version) <= order_of(highest):
        raise VersionNotRaised(draft.pk, parsed.version, highest)
    return document


def _require(pattern_id: str, revision: int) -> PatternDraft:
    """The draft, which nobody else changes until the transaction ends. Raises DraftOvertaken."""
    publishing.lock(pattern_id)
    draft = PatternDraft.objects.select_for_update(of=("self",)).filter(pk=pattern_id).first()
    if draft is None or draft.revision != revision:
        raise DraftOvertaken(pattern_id, draft)
    return draft


def _find(pattern_id: str) -> PatternDraft | None:
    return PatternDraft.objects.select_related("saved_by").filter(pk=pattern_id).first()


def _highest(pattern_id: str) -> str | None:
    versions = PatternVersion.objects.filter(pattern=pattern_id).values_list("version", flat=True)
    return max(versions, key=order_of, default=None)
