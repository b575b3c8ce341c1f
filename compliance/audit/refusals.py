"""Tries to change the audit log itself. The database refuses each, and what its transaction has written goes with it: so they
are put on record from outside of it.

A role without the right to change the log is refused before any trigger runs: what it tries over a connection of ours is
recorded over another one at once. The triggers count the tries of whoever has the right, the owner or a superuser, wherever
they come from, in a sequence, which no rollback takes back; the job that seals the log records how many there were.
"""

import json
import logging
import re
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.db.backends.signals import connection_created
from prometheus_client import Counter
from psycopg.errors import InsufficientPrivilege

from compliance.audit import events
from compliance.audit.events import Event
from compliance.models import AuditEntry
from config import scope

logger = logging.getLogger(__name__)

REFUSED: Final = Counter("tieout_audit_refused_total", "Tries to change the audit log, all of which were refused")
_TABLE: Final = re.compile(r"\bcompliance_audit(?:entry|seal)\b")


def begin_recording() -> None:
    connection_created.connect(_watch, dispatch_uid="compliance.audit.refusals")


def record_counted() -> int:
    """Record how many tries the triggers have counted since this was last recorded, and return it. As role job."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM compliance_auditrefusals")
        (in_all,) = cursor.fetchone()
        if not in_all:
            return 0
        recorded = AuditEntry.objects.filter(action=Event.CHANGE_REFUSED, after__has_key="in_all")
        tries: int = in_all - (recorded.values_list("after__in_all", flat=True).first() or 0)
        if tries > 0:
            events.record(Event.CHANGE_REFUSED, user_id=None, details={"tries": tries, "in_all": in_all})
            _tell(tries, {"tries": tries})
    return tries


def _watch(*, connection: Any, **_: Any) -> None:
    if _record_refusal not in connection.execute_wrappers:
        connection.execute_wrappers.append(_record_refusal)


def _record_refusal(execute: Any, statement: Any, params: Any, many: bool, context: Any) -> Any:
    """A wrapper of statements."""
    try:
        return execute(statement, params, many, context)
    except DatabaseError as failure:
        table = _TABLE.search(statement) if isinstance(statement, str) else None
        if table is not None and isinstance(failure.__cause__, InsufficientPrivilege):
            _record_apart(context["connection"], table[0], statement.split(maxsplit=1)[0].upper())
        raise


def _record_apart(wrapper: Any, table: str, verb: str) -> None:
    """Over a connection of its own: the one that it was tried over takes nothing until its transaction ends."""
    _tell(1, {"table": table, "verb": verb})
    apart = wrapper.copy()
    try:
        apart.set_autocommit(False)
        details = json.dumps({"table": table, "verb": verb})
        with apart.cursor() as cursor:
            cursor.execute("SELECT audit_event(%s, %s, %s)", [Event.CHANGE_REFUSED, scope.asking(), details])
        apart.commit()
    finally:
        apart.close()


def _tell(tries: int, details: dict[str, Any]) -> None:
    REFUSED.inc(tries)
    logger.error("a change of the audit log was refused", extra=details)
