"""The rows of packs refer to their contents, securities and series by foreign keys; the triggers that did it before go."""

import django.db.models.deletion
from django.db import migrations, models

from config.guards import refers

REFERENCES = (
    ("packprice", "content", "packcontent", "prices"),
    ("packprice", "security", "security", "+"),
    ("packrate", "content", "packcontent", "rates"),
    ("packobservation", "content", "packcontent", "observations"),
    ("packobservation", "series", "series", "+"),
    ("packaction", "content", "packcontent", "actions"),
    ("packaction", "security", "security", "+"),
)


def without_trigger(model, field, to):
    """Drop the trigger that looked for what a column refers to."""
    trigger = refers(f"pricing_{model}", f"{field}_id", f"pricing_{to}")
    return migrations.RunSQL(trigger.reverse_sql, trigger.sql)


def by_key(model, field, to, related_name):
    """The unique constraint of the table begins with the content; by the others nothing is looked for."""
    return migrations.AlterField(
        model,
        field,
        models.ForeignKey(
            db_index=False,
            on_delete=django.db.models.deletion.PROTECT,
            related_name=related_name,
            to=f"pricing.{to}",
        ),
    )


class Migration(migrations.Migration):
    dependencies = [("pricing", "0004_whole_market")]

    operations = [
        *(by_key(*reference) for reference in REFERENCES),
        *(without_trigger(model, field, to) for model, field, to, _ in REFERENCES),
    ]
