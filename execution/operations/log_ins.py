"""Log-ins, failed ones and log-outs go into the audit log, whichever door they came by: Django tells of each by a signal."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import transaction
from django.http import HttpRequest

from compliance.audit import events
from compliance.audit.events import Event
from config.log_in import tries


def begin_recording() -> None:
    user_logged_in.connect(_logged_in, dispatch_uid="execution.logged_in")
    user_login_failed.connect(_failed, dispatch_uid="execution.log_in_failed")
    user_logged_out.connect(_logged_out, dispatch_uid="execution.logged_out")


@transaction.atomic
def record(event: Event, *, user_id: int | None, request: HttpRequest | None) -> None:
    """Write down an event of a user, None where nobody has the name, and the address that it came from."""
    events.record(event, user_id=user_id, details={"address": tries.address_of(request) if request else ""})


def _logged_in(*, request: HttpRequest | None, user: Any, **_: Any) -> None:
    record(Event.LOG_IN, user_id=user.pk, request=request)


def _failed(*, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """A try that was compared; one that was told to wait is none."""
    user = get_user_model().objects.filter(username=credentials.get("username")).first()
    record(Event.LOG_IN_FAILED, user_id=user.pk if user else None, request=request)


def _logged_out(*, request: HttpRequest | None, user: Any, **_: Any) -> None:
    if user is not None:
        record(Event.LOG_OUT, user_id=user.pk, request=request)
