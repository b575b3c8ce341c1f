"""Operations of migrations, with their way back, by which the database itself guards its rows: forced row-level security, rows that
never change, references that are not there, and the grants of the two roles that are not the owner."""

from collections.abc import Iterable

from django.db.migrations import RunSQL

from config.plain_text import HIDDEN

ASKING = "nullif(current_setting('app.user_id', true), '')::bigint"
"""Whoever asks, by config.scope; NULL, and so nobody, where nothing was said (an ended transaction leaves '')."""

ORIGIN = "coalesce(nullif(current_setting('app.origin', true), ''), '{}')::jsonb"
"""How the work came in, by config.origin."""


def permitted(codename: str) -> str:
    """Whether whoever asks is staff with a permission, as a condition of a policy."""
    return f"""
        EXISTS (
            SELECT FROM auth_user AS reader WHERE reader.id = {ASKING} AND reader.is_active AND reader.is_staff AND (
                reader.is_superuser
                OR EXISTS (
                    SELECT FROM auth_permission AS permission
                    LEFT JOIN auth_user_user_permissions AS own
                        ON own.permission_id = permission.id AND own.user_id = reader.id
                    LEFT JOIN auth_group_permissions AS given ON given.permission_id = permission.id
                    LEFT JOIN auth_user_groups AS member ON member.group_id = given.group_id AND member.user_id = reader.id
                    WHERE permission.codename = '{codename}' AND (own.id IS NOT NULL OR member.id IS NOT NULL)
                )
            )
        )
    """  # noqa: S608 - codename stands in a migration


def show_hidden(table: str, column: str, *, is_forced: bool = False) -> RunSQL:
    """Let signs that nobody sees stand as U+FFFD in names that are there already, before a check refuses them.
    is_forced: the table's row-level security holds for its owner, too."""
    update = f"""
        UPDATE {table} SET {column} = regexp_replace({column}, '[{HIDDEN}]', U&'\\FFFD', 'g') WHERE {column} ~ '[{HIDDEN}]';
        """  # noqa: S608 - table and column stand in a migration
    if is_forced:
        unforced, forced = (f"ALTER TABLE {table} {word} ROW LEVEL SECURITY;" for word in ("NO FORCE", "FORCE"))
        update = unforced + update + forced
    return RunSQL(update, RunSQL.noop)


def row_security(table: str, *, visible: str, writable: str | None = None) -> RunSQL:
    """Let `app` see the rows for which `visible` holds and write those for which `writable` does, and `job` all of them."""
    return RunSQL(
        f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY {table}_app ON {table} TO app USING ({visible}) WITH CHECK ({writable or visible});
        CREATE POLICY {table}_job ON {table} TO job USING (true) WITH CHECK (true);
        """,
        f"""
        DROP POLICY {table}_job ON {table};
        DROP POLICY {table}_app ON {table};
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE {table} DISABLE ROW LEVEL SECURITY;
        """,
    )


def never_changes(table: str, *, except_columns: Iterable[str] = (), only_while: str = "") -> RunSQL:
    """Refuse UPDATE, DELETE and TRUNCATE to everybody, but for the excepted columns of rows for which `only_while` holds."""
    excepted = "{" + ",".join(except_columns) + "}"
    once_closed = f"""
        CREATE TRIGGER {table}_never_changes_again BEFORE UPDATE ON {table} FOR EACH ROW WHEN (NOT ({only_while}))
            EXECUTE FUNCTION refuse_update('{{}}');
        """
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_never_changes BEFORE UPDATE ON {table} FOR EACH ROW
            EXECUTE FUNCTION refuse_update('{excepted}');
        CREATE TRIGGER {table}_never_goes BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_removal();
        CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
        """
        + (once_closed if only_while else ""),
        f"""
        DROP TRIGGER IF EXISTS {table}_never_changes_again ON {table};
        DROP TRIGGER {table}_never_emptied ON {table};
        DROP TRIGGER {table}_never_goes ON {table};
        DROP TRIGGER {table}_never_changes ON {table};
        """,
    )


def refers(table: str, column: str, to: str) -> RunSQL:
    """Refuse added rows whose `column` names no row of `to`; looked at once a statement, where a foreign key looks row by row."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_{column}_is_there AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_unknown_reference('{column}', '{to}');
        """,
        f"DROP TRIGGER {table}_{column}_is_there ON {table};",
    )


def audited(
    table: str,
    *,
    key: str = "id",
    columns: Iterable[str],
    hashed: Iterable[str] = (),
    secret: Iterable[str] = (),
    portfolio: str = "",
    on: Iterable[str] = ("INSERT", "UPDATE", "DELETE"),
) -> RunSQL:
    """Write a row of the audit log for each row of the table that a statement of `on` touches, in its own transaction.

    columns    whose values are recorded
    hashed     whose SHA-256 is recorded, because they are long
    secret     of which only a change is recorded
    portfolio  the column that names the portfolio that a row belongs to; empty: it belongs to none

    What is in the table already is recorded as it is found.
    """
    lists = ["{" + ",".join(names) + "}" for names in (columns, hashed, secret)]
    arguments = ", ".join(f"'{each}'" for each in (key, portfolio, *lists))
    transitions = {
        "INSERT": "REFERENCING NEW TABLE AS new_rows",
        "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
        "DELETE": "REFERENCING OLD TABLE AS old_rows",
    }
    events = [(event, transitions[event]) for event in on] + [("TRUNCATE", "")]
    record_rows = f"SELECT audit_what_is_there('{table}', {arguments});" if "INSERT" in list(on) else ""
    return RunSQL(
        "".join(
            f"CREATE TRIGGER {table}_audited_{event.lower()} AFTER {event} ON {table} {transition}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION audit_change({arguments});"
            for event, transition in events
        )
        + record_rows,
        "".join(f"DROP TRIGGER {table}_audited_{event.lower()} ON {table};" for event, _ in events),
    )


def grant(tables: Iterable[str], *, app: str = "", job: str = "") -> RunSQL:
    """Give rights on tables to the roles, in the words of GRANT."""
    names = ", ".join(tables)
    role_rights = [(role, rights) for role, rights in (("app", app), ("job", job)) if rights]
    return RunSQL(
        ";".join(f"GRANT {rights} ON {names} TO {role}" for role, rights in role_rights),
        ";".join(f"REVOKE ALL ON {names} FROM {role}" for role, _ in role_rights),
    )
