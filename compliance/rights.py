"""May it be shown? Decided from the sources a result really read, when it is served."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from compliance.models import DataSource, Permission, RightsVersion


@dataclass(frozen=True, slots=True)
class Decision:
    """What of an answer may be shown, and the words that go with it."""

    version: int
    withheld: Mapping[str, tuple[str, ...]]
    """Output -> the sources that keep it back."""
    attributions: tuple[str, ...]


def decide(sources_of_output: Mapping[str, Iterable[str]]) -> Decision:
    """The most restrictive source of an output wins; a source that is not registered allows nothing."""
    wanted = {code for codes in sources_of_output.values() for code in codes}
    version, known = _look_up(wanted)
    withheld: dict[str, tuple[str, ...]] = {}
    for output, codes in sources_of_output.items():
        denying = tuple(sorted(code for code in codes if code not in known or known[code].display != Permission.YES))
        if denying:
            withheld[output] = denying
    shown = {code for output, codes in sources_of_output.items() if output not in withheld for code in codes}
    return Decision(
        version=version,
        withheld=withheld,
        attributions=tuple(sorted({known[code].attribution for code in shown})),
    )


class _Known(NamedTuple):
    display: str
    attribution: str


def _look_up(codes: Iterable[str]) -> tuple[int, dict[str, _Known]]:
    """The version, 0 before any right was recorded, and the registered ones among the sources: one statement, as every answer
    asks it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(version.id, 0), source.code, source.display, source.attribution
            FROM (SELECT max(id) AS id FROM compliance_rightsversion) AS version
            LEFT JOIN compliance_datasource AS source ON source.code = ANY(%s)
            """,
            [sorted(codes)],
        )
        rows = cursor.fetchall()
    return rows[0][0], {
        code: _Known(display, attribution) for _, code, display, attribution in rows if code is not None
    }


def record(rows: Iterable[Mapping[str, str]]) -> int:
    """Take in the rights of providers, as `sources.csv` gives them, and open a new version if anything changed."""
    for row in rows:
        DataSource.objects.update_or_create(
            code=row["code"], defaults={key: value for key, value in row.items() if key != "code"}
        )
    return stamp()


def stamp() -> int:
    """The version of the table as it stands; a new one if the last recorded was another."""
    table = list(DataSource.objects.order_by("code").values())
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    last = RightsVersion.objects.order_by("-id").first()
    if last is None or last.digest != digest:
        last = RightsVersion.objects.create(digest=digest)
    return last.pk
