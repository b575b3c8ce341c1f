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


def find_missing_triggers(tables: Collection[AuditedTable]) -> Iterator[RowDifference]:
    """Triggers of the log that are not there, or off."""
    there = {table.name: table.on for table in read_tables()}
    for table in tables:
        for missing in sorted(table.on - there.get(table.name, frozenset())):
            yield RowDifference(table.name, f"trigger of {missing}", expected="on")


def find_differences(table: AuditedTable) -> Iterator[RowDifference]:
    """Rows of a table that are not as the log has them."""
    if "update" not in table.on and "insert" not in table.on:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(_COMPARED).format(
                name=sql.Literal(table.name), key=sql.Literal(table.key), table=sql.Identifier(table.name)
            )
        )
        rows: Collection[tuple[Any, ...]] = cursor.fetchall()
    for row_key, is_expected, is_stored, column, expected, current in rows:
        if not is_expected:
            if "insert" in table.on:
                yield RowDifference(table.name, row_key, stored="not in the audit log")
        elif not is_stored:
            yield RowDifference(table.name, row_key, expected="in the audit log")
        else:
            yield RowDifference(table.name, row_key, column, expected, current)


def count(table: AuditedTable) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table.name)))
        return int(cursor.fetchone()[0])


def read_tables() -> list[AuditedTable]:
    """The tables that have a trigger of the log that is on, with the changes that it records."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT tgrelid::regclass::text, tgargs, tgtype::int FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE proname = 'audit_change' AND tgenabled = 'O' ORDER BY 1
            """
        )
        triggers = cursor.fetchall()
    bits = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
    tables: dict[str, AuditedTable] = {}
    for name, arguments, kind in triggers:
        key, *_ = bytes(arguments).decode().split("\0")
        on = frozenset(change for bit, change in bits.items() if kind & bit)
        tables[name] = AuditedTable(name, key, on | tables[name].on if name in tables else on)
    return list(tables.values())
