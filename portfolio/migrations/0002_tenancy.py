"""A portfolio is seen by its owner and by those it was granted to; all that hangs on it goes the same way."""

from django.db import migrations

from config.guards import ASKING, grant, never_changes, row_security

DERIVED = (
    "portfolio_dailyvalue",
    "portfolio_portfoliometrics",
    "portfolio_factorexposure",
    "portfolio_reconciliation",
    "portfolio_break",
)
REVISIONED = ("portfolio_transaction", "portfolio_lot")
OWN = f"owner_id = {ASKING}"
# The subquery is itself under the policy of portfolio_portfolio: it holds just what whoever asks may see.
THROUGH_THE_PORTFOLIO = "portfolio_id IN (SELECT id FROM portfolio_portfolio)"


def closed_with_its_revision(table):
    return migrations.RunSQL(
        f"""
        CREATE TRIGGER {table}_closed_to_rows AFTER INSERT ON {table} REFERENCING NEW TABLE AS touched
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_rows_of_closed_revision();
        CREATE TRIGGER {table}_closed_to_removal AFTER UPDATE ON {table} REFERENCING NEW TABLE AS touched
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_rows_of_closed_revision();
        """,
        f"""
        DROP TRIGGER {table}_closed_to_removal ON {table};
        DROP TRIGGER {table}_closed_to_rows ON {table};
        """,
    )


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0001_initial"), ("pricing", "0002_sealed")]

    operations = [
        row_security(
            "portfolio_portfolio",
            visible=f"{OWN} OR id IN (SELECT portfolio_id FROM portfolio_portfolioaccess WHERE user_id = {ASKING})",
            writable=OWN,
        ),
        # Not through the portfolio, whose policy asks this table: that would go round in a circle.
        row_security("portfolio_portfolioaccess", visible=f"user_id = {ASKING}", writable="false"),
        *(
            row_security(table, visible=THROUGH_THE_PORTFOLIO)
            for table in ("portfolio_ledgerrevision", *REVISIONED, *DERIVED)
        ),
        never_changes(
            "portfolio_ledgerrevision", except_columns=("status", "reason"), only_while="OLD.status <> 'reconciled'"
        ),
        *(
            never_changes(table, except_columns=("removed_in",), only_while="OLD.removed_in IS NULL")
            for table in REVISIONED
        ),
        migrations.RunSQL(
            """
            CREATE FUNCTION refuse_rows_of_closed_revision() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT FROM (SELECT DISTINCT portfolio_id,
                                               CASE TG_OP WHEN 'INSERT' THEN introduced_in ELSE removed_in END AS number
                                        FROM touched) AS named
                           LEFT JOIN portfolio_ledgerrevision AS revision USING (portfolio_id, number)
                           WHERE revision.status IS DISTINCT FROM 'read') THEN
                    RAISE EXCEPTION '%: the ledger revision is closed, its rows stay as they are', TG_TABLE_NAME
                        USING ERRCODE = 'integrity_constraint_violation';
                END IF;
                RETURN NULL;
            END $$;
            """,
            "DROP FUNCTION refuse_rows_of_closed_revision();",
        ),
        *(closed_with_its_revision(table) for table in REVISIONED),
        *(never_changes(table) for table in DERIVED),
        grant(("portfolio_portfolio",), app="SELECT, UPDATE (name)", job="SELECT, INSERT, UPDATE"),
        grant(("portfolio_portfolioaccess",), app="SELECT", job="SELECT, INSERT, DELETE"),
        grant(("portfolio_ledgerrevision",), app="SELECT", job="SELECT, INSERT, UPDATE (status, reason)"),
        grant(REVISIONED, app="SELECT", job="SELECT, INSERT, UPDATE (removed_in)"),
        grant(DERIVED, app="SELECT", job="SELECT, INSERT"),
    ]
