"""Rows of ledgers refer to their portfolio and their securities by foreign keys; the triggers that stood for them go."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.migrations import RunSQL

from config.guards import refers

SECURITY, PORTFOLIO = "pricing_security", "portfolio_portfolio"
REFERENCES = {
    "portfolio_transaction": (("portfolio_id", PORTFOLIO), ("security_id", SECURITY), ("to_security_id", SECURITY)),
    "portfolio_lot": (("portfolio_id", PORTFOLIO), ("security_id", SECURITY)),
    "portfolio_matchedlot": (("portfolio_id", PORTFOLIO), ("security_id", SECURITY)),
}


def no_longer(operation):
    return RunSQL(operation.reverse_sql, operation.sql)


def key(model, name, to, **options):
    return migrations.AlterField(
        model_name=model,
        name=name,
        field=models.ForeignKey(
            to=to, on_delete=django.db.models.deletion.PROTECT, related_name="+", db_index=False, **options
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("portfolio", "0006_settings"), ("pricing", "0001_initial")]

    operations = [
        *(
            no_longer(refers(table, column, to))
            for table, references in REFERENCES.items()
            for column, to in references
        ),
        *(key(model, "portfolio", "portfolio.portfolio") for model in ("transaction", "lot", "matchedlot")),
        *(key(model, "security", "pricing.security") for model in ("lot", "matchedlot")),
        key("transaction", "security", "pricing.security", null=True),
        key(
            "transaction",
            "to_security",
            "pricing.security",
            null=True,
            help_text="What a spin-off or merger gives.",
        ),
    ]
