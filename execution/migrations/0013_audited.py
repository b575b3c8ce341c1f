"""What is audited, as it stood when the audit log began; and who sees what of the log.

The owner of a portfolio sees what was done to it. Staff see the whole of it where their permission says so; the database looks for
itself, so that no page can forget to ask.
"""

from django.db import migrations

from config.guards import ASKING, audited

PORTFOLIO = "portfolio_id"
PERIODIC_TASK = (
    "id", "name", "task", "interval_id", "crontab_id", "solar_id", "clocked_id", "args", "kwargs", "queue", "exchange",
    "routing_key", "headers", "priority", "expires", "expire_seconds", "one_off", "start_time", "enabled", "description",
)  # fmt: skip
AUDITED = {
    "auth_user": {
        "columns": ("id", "username", "first_name", "last_name", "email", "is_staff", "is_superuser", "is_active", "date_joined"),
        "secret": ("password",),
    },
    "auth_user_groups": {"columns": ("id", "user_id", "group_id")},
    "auth_user_user_permissions": {"columns": ("id", "user_id", "permission_id")},
    "auth_group": {"columns": ("id", "name")},
    "auth_group_permissions": {"columns": ("id", "group_id", "permission_id")},
    "django_celery_beat_periodictask": {"columns": PERIODIC_TASK},
    "django_celery_beat_crontabschedule": {
        "columns": ("id", "minute", "hour", "day_of_month", "month_of_year", "day_of_week", "timezone")
    },
    "django_celery_beat_intervalschedule": {"columns": ("id", "every", "period")},
    "django_celery_beat_clockedschedule": {"columns": ("id", "clocked_time")},
    "django_celery_beat_solarschedule": {"columns": ("id", "event", "latitude", "longitude")},
    "compliance_datasource": {
        "key": "code",
        "columns": ("code", "name", "attribution", "terms", "display", "export_csv", "export_pdf", "redistribute"),
    },
    "pricing_security": {
        "columns": (
            "id", "symbol", "name", "currency", "price_unit", "quote_unit", "multiplier", "kind", "exchange", "price_basis",
            "first_date", "last_date", "expiry", "maturity", "source",
        )
    },
    "pricing_series": {"columns": ("id", "title", "unit", "frequency", "source", "lag_rule", "lag_days")},
    "pricing_riskfreerate": {"key": "base_currency", "columns": ("base_currency", "series_id", "series_currency")},
    "pricing_factorseries": {"columns": ("id", "factor", "rank", "series_id", "minus_trailing", "change", "degraded")},
    "pricing_pricingpolicy": {
        "key": "code",
        "columns": (
            "code", "fixing", "pivot", "fix_time", "fix_timezone", "max_stale_sessions", "max_stale_fixings", "max_missing_share",
            "max_missing_count",
        ),
    },
    "pricing_marketarchive": {"columns": ("id", "path", "digest", "archive_end", "loaded_at")},
    "pricing_pricingpack": {
        "columns": (
            "id", "policy_id", "asof_date", "release", "sequence", "content_id", "chain_hash", "run", "restates", "created_at",
            "sealed_at", "failed_job", "reason",
        )
    },
    "pricing_quarantinedrow": {
        "columns": ("id", "decision", "decided_by", "decided_at", "decision_reason"),
        "on": ("UPDATE", "DELETE"),
    },
    "pricing_securityalias": {"columns": ("id", "security_id", "provider", "symbol", "valid_from", "valid_to")},
    "pricing_symboloverride": {
        "columns": ("id", "provider", "symbol", "security_id", "valid_from", "valid_to", "reason")
    },
    "portfolio_portfolio": {
        "columns": (
            "id", "slug", "name", "owner_id", "base_currency", "policy_id", "booking_method", "fees_in_cost", "flow_timing",
            "accrual", "trade_fx", "created_at", "benchmark_id",
        ),
        "portfolio": "id",
    },
    "portfolio_portfolioaccess": {
        "columns": ("id", "portfolio_id", "user_id", "granted_at"), "portfolio": PORTFOLIO,
    },
    "portfolio_ledgerrevision": {
        "columns": ("id", "portfolio_id", "number", "commit", "tree_hash", "status", "reason", "read_at", "settings"),
        "portfolio": PORTFOLIO,
    },
    "portfolio_benchmark": {"columns": ("id", "name", "rebalance")},
    "portfolio_benchmarkcomponent": {"columns": ("id", "benchmark_id", "security_id", "weight")},
    "portfolio_onemonthrate": {"key": "currency", "columns": ("currency", "series_id")},
    "execution_pattern": {"columns": ("id", "title", "current_id")},
    "execution_patternversion": {
        "columns": ("id", "pattern_id", "version", "document_hash", "published_at"), "hashed": ("document",),
    },
    "execution_execution": {
        "columns": ("id", "user_id", "portfolio_id", "pack_id", "asof_date", "key", "result_hash", "status", "started_at"),
        "portfolio": PORTFOLIO,
        "on": ("DELETE",),
    },
    "execution_nightlyrun": {
        "columns": ("id", "policy", "from_date", "date", "release", "restates"), "on": ("INSERT", "DELETE"),
    },
}  # fmt: skip
UNDER_POLICIES = ("portfolio_portfolio", "portfolio_portfolioaccess", "portfolio_ledgerrevision")
ENTRY = "compliance_auditentry"
READERS = f"""
    of_portfolio IN (SELECT id FROM portfolio_portfolio WHERE owner_id = {ASKING})
    OR EXISTS (
        SELECT FROM auth_user AS reader WHERE reader.id = {ASKING} AND reader.is_active AND reader.is_staff AND (
            reader.is_superuser
            OR EXISTS (
                SELECT FROM auth_permission AS permission
                LEFT JOIN auth_user_user_permissions AS own ON own.permission_id = permission.id AND own.user_id = reader.id
                LEFT JOIN auth_group_permissions AS given ON given.permission_id = permission.id
                LEFT JOIN auth_user_groups AS member ON member.group_id = given.group_id AND member.user_id = reader.id
                WHERE permission.codename = 'view_auditentry' AND (own.id IS NOT NULL OR member.id IS NOT NULL)
            )
        )
    )
"""


def _seen_by_their_owner(tables, forced):
    """Row-level security hides a portfolio's rows from the owner of its table, who has to record them once."""
    word = "FORCE" if forced else "NO FORCE"
    return migrations.RunSQL(
        "".join(f"ALTER TABLE {table} {word} ROW LEVEL SECURITY;" for table in tables), migrations.RunSQL.noop
    )


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("compliance", "0004_audit_log"),
        ("django_celery_beat", "0019_alter_periodictasks_options"),
        ("execution", "0012_running_executions"),
        ("portfolio", "0007_foreign_keys"),
        ("pricing", "0004_whole_market"),
    ]

    operations = [
        _seen_by_their_owner(UNDER_POLICIES, forced=False),
        *(audited(table, **what) for table, what in AUDITED.items()),
        _seen_by_their_owner(UNDER_POLICIES, forced=True),
        migrations.RunSQL(
            f"CREATE POLICY {ENTRY}_app ON {ENTRY} FOR SELECT TO app USING ({READERS})",
            f"DROP POLICY {ENTRY}_app ON {ENTRY}",
        ),
    ]
