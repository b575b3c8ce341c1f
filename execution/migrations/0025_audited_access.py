"""Who gave access to a portfolio, as what, until when and why, is in the audit log."""

from django.db import migrations

from config.guards import audited

TABLE, PORTFOLIO = "portfolio_portfolioaccess", "portfolio_id"
COLUMNS = ("id", "portfolio_id", "user_id", "granted_at")
# Row-level security hides the rows from the owner of the table, who has to record them once.
UNFORCED, FORCED = (f"ALTER TABLE {TABLE} {word} ROW LEVEL SECURITY" for word in ("NO FORCE", "FORCE"))
BEFORE = audited(TABLE, columns=COLUMNS, portfolio=PORTFOLIO)


class Migration(migrations.Migration):
    dependencies = [("execution", "0024_recorded_answers"), ("portfolio", "0008_sharing")]

    operations = [
        migrations.RunSQL(UNFORCED, FORCED),
        migrations.RunSQL(BEFORE.reverse_sql, BEFORE.sql),
        audited(TABLE, columns=(*COLUMNS, "owner_id", "role", "until", "granted_by_id", "reason"), portfolio=PORTFOLIO),
        migrations.RunSQL(FORCED, UNFORCED),
    ]
