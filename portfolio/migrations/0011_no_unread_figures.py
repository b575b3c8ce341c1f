"""The night stores no metrics records and factor exposures any more: nothing read them. With its table goes all that guards it."""

from django.db import migrations
from django.db.migrations import RunSQL

from config.guards import grant, never_changes, row_security

MODELS = ("FactorExposure", "PortfolioMetrics")
THROUGH_THE_PORTFOLIO = "portfolio_id IN (SELECT id FROM portfolio_portfolio)"


def no_longer(operation):
    return RunSQL(operation.reverse_sql, operation.sql)


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0010_visible_names")]

    operations = [
        no_longer(operation)
        for table in (f"portfolio_{model.lower()}" for model in MODELS)
        for operation in (
            never_changes(table),
            row_security(table, visible=THROUGH_THE_PORTFOLIO),
            grant((table,), app="SELECT", job="SELECT, INSERT"),
        )
    ] + [migrations.DeleteModel(model) for model in MODELS]
