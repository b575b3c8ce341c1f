"""An owner's imports are written, and reconciled, by the web too: rows of one's own portfolio, never of one granted."""

from django.db import migrations

from config.guards import ASKING

RECONCILED = ("portfolio_reconciliation", "portfolio_break")
REVISION, REVISIONED = "portfolio_ledgerrevision", ("portfolio_transaction", "portfolio_lot")
VISIBLE = "portfolio_id IN (SELECT id FROM portfolio_portfolio)"
OWN = f"portfolio_id IN (SELECT id FROM portfolio_portfolio WHERE owner_id = {ASKING})"


def written_by_its_owner(table):
    return migrations.RunSQL(
        f"ALTER POLICY {table}_app ON {table} WITH CHECK ({OWN})",
        f"ALTER POLICY {table}_app ON {table} WITH CHECK ({VISIBLE})",
    )


def granted(tables, rights):
    """With the way back of these rights alone: reading stays."""
    names = ", ".join(tables)
    return migrations.RunSQL(f"GRANT {rights} ON {names} TO app", f"REVOKE {rights} ON {names} FROM app")


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0003_price_differences")]

    operations = [
        *(written_by_its_owner(table) for table in (REVISION, *REVISIONED, *RECONCILED)),
        granted((REVISION, *REVISIONED, *RECONCILED), "INSERT"),
        granted(REVISIONED, "UPDATE (removed_in)"),
        granted((REVISION,), "UPDATE (status, reason)"),
    ]
