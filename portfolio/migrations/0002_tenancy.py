"""A portfolio is seen by its owner and by those it was granted to; all that hangs on it goes the same way.

An owner's imports are written, and reconciled, by the web too: rows of one's own portfolio, never of one granted.
"""

from django.db import migrations

from config.guards import ASKING, grant, row_security

REVISION, REVISIONED = "portfolio_ledgerrevision", ("portfolio_transaction", "portfolio_lot", "portfolio_matchedlot")
RECONCILED = ("portfolio_reconciliation", "portfolio_break")
COMPUTED = ("portfolio_dailyvalue", "portfolio_portfoliometrics", "portfolio_factorexposure")
BENCHMARKS = ("portfolio_benchmark", "portfolio_benchmarkcomponent", "portfolio_onemonthrate")
OWN = f"owner_id = {ASKING}"
# The subquery is itself under the policy of portfolio_portfolio: it holds just what whoever asks may see.
THROUGH_THE_PORTFOLIO = "portfolio_id IN (SELECT id FROM portfolio_portfolio)"
THROUGH_ONES_OWN = f"portfolio_id IN (SELECT id FROM portfolio_portfolio WHERE {OWN})"

EDITED = "SELECT, INSERT, UPDATE, DELETE"
CLOSED_ONCE = "SELECT, INSERT, UPDATE (status, reason)"
REMOVED_ONCE = "SELECT, INSERT, UPDATE (removed_in)"


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0001_initial")]

    operations = [
        row_security(
            "portfolio_portfolio",
            visible=f"{OWN} OR id IN (SELECT portfolio_id FROM portfolio_portfolioaccess WHERE user_id = {ASKING})",
            writable=OWN,
        ),
        # Not through the portfolio, whose policy asks this table: that would go round in a circle.
        row_security("portfolio_portfolioaccess", visible=f"user_id = {ASKING}", writable="false"),
        *(
            row_security(table, visible=THROUGH_THE_PORTFOLIO, writable=THROUGH_ONES_OWN)
            for table in (REVISION, *REVISIONED, *RECONCILED)
        ),
        *(row_security(table, visible=THROUGH_THE_PORTFOLIO) for table in COMPUTED),
        grant(("portfolio_portfolio",), app="SELECT, UPDATE (name, benchmark_id)", job="SELECT, INSERT, UPDATE"),
        grant(("portfolio_portfolioaccess",), app="SELECT", job="SELECT, INSERT, DELETE"),
        grant((REVISION,), app=CLOSED_ONCE, job=CLOSED_ONCE),
        grant(REVISIONED, app=REMOVED_ONCE, job=REMOVED_ONCE),
        grant(RECONCILED, app="SELECT, INSERT", job="SELECT, INSERT"),
        grant(COMPUTED, app="SELECT", job="SELECT, INSERT"),
        grant(BENCHMARKS, app=EDITED, job=EDITED),
    ]
