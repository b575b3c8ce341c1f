"""Whether the audit log is what was sealed, and the rows that it alone can prove are what it last said of them."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from compliance.audit import rows, verification
from compliance.audit.rows import AuditedTable
from compliance.models import AuditCheck
from config import scope
from config.row_difference import RowDifference

logger = logging.getLogger(__name__)

MOST_PLACES: Final = 200
"""Places of differences that a check stores, and after which it does not look on in the log."""
TABLES: Final = (
    *map(
        AuditedTable,
        (
            "auth_user", "auth_user_groups", "auth_user_user_permissions", "auth_group", "auth_group_permissions",
            "django_celery_beat_periodictask", "django_celery_beat_crontabschedule", "django_celery_beat_intervalschedule",
            "django_celery_beat_clockedschedule", "django_celery_beat_solarschedule", "pricing_security", "pricing_series",
            "pricing_factorseries", "pricing_marketarchive", "pricing_pricingpack", "pricing_securityalias",
            "pricing_symboloverride",
            "portfolio_portfolio", "portfolio_portfolioaccess", "portfolio_ledgerrevision", "portfolio_benchmark",
            "portfolio_benchmarkcomponent", "execution_pattern", "execution_patternversion", "execution_patterndraft",
            "compliance_licence", "compliance_rightsversion", "execution_executionexport",
            "otp_totp_totpdevice", "otp_static_staticdevice", "otp_static_statictoken",
            "config_personaltoken",
        ),
    ),
    AuditedTable("compliance_datasource", key="code"),
    AuditedTable("config_logouts", key="user_id"),
    AuditedTable("pricing_riskfreerate", key="base_currency"),
    AuditedTable("pricing_pricingpolicy", key="code"),
    AuditedTable("portfolio_onemonthrate", key="currency"),
    AuditedTable("execution_signingkey", key="keyid"),
    AuditedTable("pricing_quarantinedrow", on=frozenset({"update", "delete", "truncate"})),
    AuditedTable("execution_execution", on=frozenset({"delete", "truncate"})),
    AuditedTable("execution_nightlyrun", on=frozenset({"insert", "delete", "truncate"})),
)  # fmt: skip
"""Tables that have to have their triggers. One that has some and is not named here is compared all the same."""


def find_row_differences() -> Iterator[RowDifference]:
    """All rows that are not as the log has them, in one state of the database."""
    with scope.snapshot():
        yield from rows.find_missing_triggers(TABLES)
        for table in _tables():
            yield from rows.find_differences(table)


def _tables() -> list[AuditedTable]:
    names = {table.name for table in TABLES}
    return [*TABLES, *(table for table in rows.read_tables() if table.name not in names)]


def run(at: datetime) -> AuditCheck:
    """Look at all of it, and store what was found."""
    verified = verification.verify(most=MOST_PLACES)
    differences = [*verified.differences, *find_row_differences()]
    check = AuditCheck.objects.create(
        started_at=at,
        finished_at=timezone.now(),
        entries=verified.entries,
        rows=sum(map(rows.count, _tables())),
        count=len(differences),
        differences=[each.place for each in differences[:MOST_PLACES]],
    )
    if differences:
        logger.error("the audit log, or what it proves, was changed", extra={"count": len(differences)})
    else:
        logger.info("the audit log ties out", extra={"count": verified.entries})
    return check


@dataclass(frozen=True, slots=True)
class Standing:
    differences: int
    finished_at: datetime


def read_standing() -> Standing | None:
    """What the newest check found; None before the first."""
    newest = AuditCheck.objects.values_list("count", "finished_at").first()
    return Standing(*newest) if newest else None
