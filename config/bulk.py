"""Insert many rows at once, by COPY."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from psycopg import sql

BINARY_HEADER, BINARY_END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
"""What stands around the rows of COPY in binary: signature, no flags, no extension; a row of -1 fields."""


def copy_in(
    model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]], *, keep_existing: bool = False
) -> int:
    """Insert rows in the order of `columns` (names of database columns); how many were inserted.

    By way of a temporary table, because PostgreSQL copies into no table with row-level security: its policies see each row.
    keep_existing  rows that a unique constraint knows already are passed over and stay as they are
    """
    table = sql.Identifier(model._meta.db_table)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    conflict = sql.SQL(" ON CONFLICT DO NOTHING") if keep_existing else sql.SQL("")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE arriving ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(names, table)
        )
        statement = sql.SQL("COPY arriving ({}) FROM STDIN").format(names)
        # Django names only the errors of its own cursor's methods.
        with connection.wrap_database_errors, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM arriving").format(table, names, names) + conflict)
        inserted = cursor.rowcount
        cursor.execute("DROP TABLE arriving")
    return int(inserted)
