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


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0001_initial"), ("pricing", "0002_sealed")]

    operations = [
        row_security(
            "portfolio_portfolio",
            visible=f"{OWN} OR id IN (SELECT portfolio_id FROM portfolio_portfolioaccess WHERE user_id = {ASKING})",
            writable=OWN,
        ),
        # Two policies of its own, because one that asked the portfolio for reading would go round in a circle.
        migrations.RunSQL(
            f"""
            ALTER TABLE portfolio_portfolioaccess ENABLE ROW LEVEL SECURITY;
            ALTER TABLE portfolio_portfolioaccess FORCE ROW LEVEL SECURITY;
            CREATE POLICY portfolio_portfolioaccess_app ON portfolio_portfolioaccess FOR SELECT TO app
                USING (user_id = {ASKING});
            CREATE POLICY portfolio_portfolioaccess_app_grants ON portfolio_portfolioaccess FOR INSERT TO app
                WITH CHECK (portfolio_id IN (SELECT id FROM portfolio_portfolio WHERE {OWN}));
            CREATE POLICY portfolio_portfolioaccess_job ON portfolio_portfolioaccess TO job USING (true) WITH CHECK (true);
            """,
            """
            DROP POLICY portfolio_portfolioaccess_job ON portfolio_portfolioaccess;
            DROP POLICY portfolio_portfolioaccess_app_grants ON portfolio_portfolioaccess;
            DROP POLICY portfolio_portfolioaccess_app ON portfolio_portfolioaccess;
            ALTER TABLE portfolio_portfolioaccess NO FORCE ROW LEVEL SECURITY;
            ALTER TABLE portfolio_portfolioaccess DISABLE ROW LEVEL SECURITY;
            """,
        ),
        *(
            row_security(table, visible=THROUGH_THE_PORTFOLIO)
            for table in ("portfolio_ledgerrevision", *REVISIONED, *DERIVED)
        ),
        never_changes("portfolio_ledgerrevision", except_columns=("status", "reason")),
        *(never_changes(table, except_columns=("removed_in",)) for table in REVISIONED),
        *(never_changes(table) for table in DERIVED),
        grant(("portfolio_portfolio",), app="SELECT, UPDATE (name)", job="SELECT, INSERT, UPDATE"),
        grant(("portfolio_portfolioaccess",), app="SELECT, INSERT", job="SELECT, INSERT, DELETE"),
        grant(("portfolio_ledgerrevision",), app="SELECT", job="SELECT, INSERT, UPDATE (status, reason)"),
        grant(REVISIONED, app="SELECT", job="SELECT, INSERT, UPDATE (removed_in)"),
        grant(DERIVED, app="SELECT", job="SELECT, INSERT"),
    ]
