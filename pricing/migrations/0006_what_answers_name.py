"""What answers name of a security or a series stays what it was: a stored answer is computed again from it."""

from django.db import migrations

CHANGING = {
    "pricing_security": (
        "quote_unit", "multiplier", "kind", "price_basis", "first_date", "last_date", "expiry", "maturity", "source"
    ),
    "pricing_series": ("frequency", "source", "lag_rule", "lag_days"),
}  # fmt: skip
"""Of these the kind and the price basis change until a pack holds the security (pricing/archive/loading.py)."""


def keeps_its_name(table):
    changing = ",".join(CHANGING[table])
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_keeps_its_name BEFORE UPDATE ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION refuse_update('{{{changing}}}')",
        f"DROP TRIGGER {table}_keeps_its_name ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("pricing", "0005_visible_names")]

    operations = [keeps_its_name(table) for table in CHANGING]
