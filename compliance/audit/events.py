"""What happens without a row of its own, such as a log-in, a token, or a file of the log. Triggers record all changes."""

import json
from enum import StrEnum
from typing import Any

from django.db import connection


class Event(StrEnum):
    LOG_IN = "log-in"
    LOG_IN_FAILED = "log-in failed"
    LOG_OUT = "log-out"
    ISSUED = "token issued"
    RENEWED = "token renewed"
    REVOKED = "token revoked"
    CHANGE_REFUSED = "change of the log refused"
    EXPORTED = "entries exported"


def record(event: Event, *, user_id: int | None, details: dict[str, Any]) -> None:
    """Write it in the transaction under way.

    user_id  whose account it is about; None: an account that is not there
    details  no secret, and no name that somebody typed: it may be a password in the wrong field
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT audit_event(%s, %s, %s)", [event, user_id, json.dumps(details)])
