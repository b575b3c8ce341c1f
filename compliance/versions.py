"""Versions of the table of rights: what staff drafted is proposed, published with a reason, and can be taken back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compliance.models import DataSource, Licence, RightsVersion
from compliance.terms import RightsTable, SourceTerms, digest
from config import locks
from config.errors import TieoutError

FIELDS: Final = [field.name for field in DataSource._meta.concrete_fields if not field.primary_key]


class NothingChanged(TieoutError):
    def __init__(self) -> None:
        super().__init__("the draft says what the version that decides now says: there is nothing to publish")


class ReasonMissing(TieoutError):
    def __init__(self) -> None:
        super().__init__("say why: a version of the rights is published with a reason")


class SecondPersonNeeded(TieoutError):
    def __init__(self) -> None:
        super().__init__("who proposed a version may not publish it here: somebody else must (RIGHTS_SECOND_PERSON)")


class OvertakenVersion(TieoutError):
    """Another version decides by now than the one that this was compared with."""

    def __init__(self, version: int) -> None:
        super().__init__(f"version {version} was proposed against a version that decides no more: propose it again")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs between two tables: of `source` or a licence; None where that one has no such row."""

    row: str
    field: str
    before: Any
    after: Any


def current() -> RightsVersion | None:
    """The version that decides now, None before any was published."""
    return RightsVersion.objects.filter(published_at__isnull=False).order_by("-published_at", "-id").first()


def draft() -> RightsTable:
    """The table as its rows stand now; it decides nothing before it is published."""
    return RightsTable(
        {row.code: row.as_terms() for row in DataSource.objects.all()},
        tuple(row.as_terms() for row in Licence.objects.all()),
    )


def compare(before: RightsTable, after: RightsTable) -> list[Change]:
    """What differs between two tables, row by row and field by field."""
    changes = []
    old_rows, new_rows = _rows(before), _rows(after)
    for name in sorted(old_rows.keys() | new_rows.keys()):
        old, new = old_rows.get(name, {}), new_rows.get(name, {})
        changes += [
            Change(name, field, old.get(field), new.get(field))
            for field in sorted(old.keys() | new.keys())
            if old.get(field) != new.get(field)
        ]
    return changes


def _rows(table: RightsTable) -> dict[str, dict[str, Any]]:
    """A row's name -> its fields, each use among them."""
    rows = {}
    for code, terms in table.sources.items():
        fields = terms.as_dict()
        rows[code] = {**fields.pop("uses"), **fields}
    return rows | {f"licence {licence.id}": licence.as_dict() for licence in table.licences}


@transaction.atomic
def propose(*, reason: str, by: int | None, takes_back_to: RightsVersion | None = None) -> RightsVersion:
    """The draft as a version. It decides at once, but where a second person is asked for: then `publish` must follow.

    by      the id of the user, None for a command, which needs no second person
    raises  ReasonMissing, NothingChanged
    """
    if not reason.strip():
        raise ReasonMissing
    locks.lock_until_commit("rights")
    now = current()
    table = draft().as_dict()
    if now is not None and now.digest == digest(table):
        raise NothingChanged
    version = RightsVersion.objects.create(
        table=table,
        digest=digest(table),
        based_on=now,
        takes_back_to=takes_back_to,
        reason=reason.strip(),
        proposed_by=by,
    )
    if by is None or not settings.RIGHTS_SECOND_PERSON:
        _publish(version, by)
    return version


@transaction.atomic
def publish(version: RightsVersion, *, by: int | None) -> RightsVersion:
    """Let a proposed version decide, and give it back; one that decided already stays as it is.

    raises  SecondPersonNeeded, OvertakenVersion
    """
    locks.lock_until_commit("rights")
    version.refresh_from_db()
    if version.published_at is not None:
        return version
    if settings.RIGHTS_SECOND_PERSON and by is not None and by == version.proposed_by:
        raise SecondPersonNeeded
    now = current()
    if version.based_on_id != (now and now.pk):
        raise OvertakenVersion(version.pk)
    _publish(version, by)
    return version


def _publish(version: RightsVersion, by: int | None) -> None:
    version.published_at, version.published_by = timezone.now(), by
    version.save(update_fields=["published_at", "published_by"])


@transaction.atomic
def take_back_to(earlier: RightsVersion, *, reason: str, by: int | None) -> RightsVersion:
    """Make the draft say what an earlier version said, and propose it. What was drafted since is gone.

    raises  ReasonMissing, NothingChanged
    """
    locks.lock_until_commit("rights")
    write_draft(earlier.as_table())
    return propose(reason=reason, by=by, takes_back_to=earlier)


def write_draft(table: RightsTable) -> None:
    """Make the rows of the draft say what `table` says."""
    Licence.objects.all().delete()
    DataSource.objects.exclude(code__in=table.sources).delete()
    for code, terms in table.sources.items():
        DataSource.from_terms(code, terms).save()
    Licence.objects.bulk_create(Licence.from_terms(licence) for licence in table.licences)


@transaction.atomic
def enter(sources: Mapping[str, SourceTerms], *, reason: str, replace: bool = False) -> RightsVersion | None:
    """Sources as a version of its own that holds nothing else; what staff drafted of others stays a draft.

    replace  also sources that the version of now names; they stay as they are without it
    returns  None where nothing was to be entered
    """
    locks.lock_until_commit("rights")
    now = current()
    table = now.as_table() if now else RightsTable({})
    entered = {
        code: terms
        for code, terms in sources.items()
        if code not in table.sources or (replace and table.sources[code] != terms)
    }
    if not entered:
        return None
    # A source that staff drafted and never published is theirs, and the draft keeps their row.
    DataSource.objects.bulk_create(
        (DataSource.from_terms(code, terms) for code, terms in entered.items()),
        **(
            {"update_conflicts": True, "unique_fields": ["code"], "update_fields": FIELDS}
            if replace
            else {"ignore_conflicts": True}
        ),
    )
    after = RightsTable({**table.sources, **entered}, table.licences).as_dict()
    version = RightsVersion.objects.create(table=after, digest=digest(after), based_on=now, reason=reason)
    _publish(version, None)
    return version
