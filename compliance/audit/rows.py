"""Whether rows are what the log last said of them: what neither a ledger nor a pack can prove is proved by it alone."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from psycopg import sql

from config.row_difference import RowDifference

EVERY_CHANGE: Final = frozenset({"insert", "update", "delete", "truncate"})
_COMPARED: Final = """
WITH whole AS (
    -- What was before the table was emptied is gone with it.
    SELECT id, row_key, after FROM compliance_auditentry WHERE table_name = {name} AND action <> 'truncate' AND id > (
        SELECT coalesce(max(id), 0) FROM compliance_auditentry WHERE table_name = {name} AND action = 'truncate')
), newest AS (
    SELECT DISTINCT ON (row_key) row_key, after IS NOT NULL AS is_there FROM whole ORDER BY row_key, id DESC
), expected AS (
    SELECT row_key, jsonb_object_agg(cell.name, cell.value ORDER BY whole.id) AS cells
    FROM newest JOIN whole USING (row_key), jsonb_each(whole.after) AS cell (name, value) WHERE newest.is_there GROUP BY row_key
), stored AS (
    SELECT to_jsonb(each) ->> {key} AS row_key, to_jsonb(each) AS cells FROM {table} AS each
)
SELECT row_key, expected.cells IS NOT NULL, stored.cells IS NOT NULL, cell.name, cell.value::text, (stored.cells -> cell.name)::text
FROM expected FULL JOIN stored USING (row_key)
LEFT JOIN LATERAL jsonb_each(CASE WHEN stored.cells IS NOT NULL THEN expected.cells END) AS cell (name, value)
    ON stored.cells ? cell.name AND cell.value <> '"not recorded"' AND cell.value::text <> (stored.cells -> cell.name)::text
    -- Of what is long the log has the SHA-256.
    AND cell.value <> to_jsonb(encode(sha256(convert_to((stored.cells -> cell.name)::text, 'UTF8')), 'hex'))
WHERE expected.cells IS NULL OR stored.cells IS NULL OR cell.name IS NOT NULL
ORDER BY row_key, cell.name
"""


@dataclass(frozen=True, slots=True)
class AuditedTable:
    name: str
    key: str = "id"
    on: frozenset[str] = EVERY_CHANGE
    """The changes that are recorded."""


def find_differences(table: AuditedTable) -> Iterator[RowDifference]:
    """Rows of a table that are not as the log has them; and the triggers of the log that are not there, or off."""
    for missing in sorted(table.on - _triggers(table.name)):
        yield RowDifference(table.name, f"trigger of {missing}", expected="on")
    if "update" not in table.on and "insert" not in table.on:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(_COMPARED).format(
                name=sql.Literal(table.name), key=sql.Literal(table.key), table=sql.Identifier(table.name)
            )
        )
        rows: Collection[tuple[Any, ...]] = cursor.fetchall()
    for row_key, is_expected, is_stored, column, expected, stored in rows:
        if not is_expected:
            if "insert" in table.on:
                yield RowDifference(table.name, row_key, stored="not in the audit log")
        elif not is_stored:
            yield RowDifference(table.name, row_key, expected="in the audit log")
        else:
            yield RowDifference(table.name, row_key, column, expected, stored)


def count(table: AuditedTable) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name)))
        return int(cursor.fetchone()[0])


def _triggers(table: str) -> set[str]:
    """The changes for which the log's trigger is on."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT tgtype::int FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE tgrelid = to_regclass(%s) AND proname = 'audit_change' AND tgenabled = 'O'
            """,
            [table],
        )
        kinds = [kind for (kind,) in cursor.fetchall()]
    bits = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
    return {name for bit, name in bits.items() if any(kind & bit for kind in kinds)}
