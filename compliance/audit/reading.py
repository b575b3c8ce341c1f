"""Entries as they are signed: each as one text, whose SHA-256 stands in a seal."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django.db import connection

FIRST: Final = -(2**63)
"""No transaction has a lower number."""
# The columns in the order in which they are signed. JSON of PostgreSQL has one form for a value.
_TEXT = """
    jsonb_build_array(
        id, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), transaction, server, user_id, account, role, door, via,
        request_id, reason, action, table_name, row_key, of_portfolio, before, after
    )::text
"""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Where the transactions of this server stand."""

    server: int
    ended_before: int
    """Every transaction of a lower number has ended: no entry of one can come any more."""
    not_begun: int
    """No transaction has this number or a higher one yet."""


def read_horizon() -> Horizon:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT system_identifier FROM pg_control_system()),
                   pg_snapshot_xmin(snapshot)::text::bigint, pg_snapshot_xmax(snapshot)::text::bigint
            FROM pg_current_snapshot() AS snapshot
            """
        )
        return Horizon(*cursor.fetchone())


def read_digests(*, server: int, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """Id and digest of the entries of the transactions [begin, end), by id."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {_TEXT} FROM compliance_auditentry"  # noqa: S608
            " WHERE server = %s AND transaction >= %s AND transaction < %s ORDER BY id",
            [server, begin, end],
        )
        for pk, text in cursor:
            yield pk, hashlib.sha256(text.encode()).hexdigest()
