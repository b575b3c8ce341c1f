"""Reports of our own errors, to Sentry or what speaks its language. Imported only where a DSN is set.

There is one way to a report: a log line at ERROR with its exception. Django logs there what no view has handled, Celery what
broke a task, we what broke of ours. None of the SDK's integrations that patch Django, Celery or the database is used: a request
that works costs nothing, and nothing of it is collected. What leaves is built anew, field by field, in `_Allowlist`.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http.client import INTERNAL_SERVER_ERROR
from typing import Any, Final

import sentry_sdk
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import EventHandler
from sentry_sdk.transport import HttpTransport
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn, Dsn

from config.telemetry.ids import current_ids
from config.telemetry.words import ROOMS, is_ours

logger = logging.getLogger(__name__)

SHUTDOWN_S: Final = 1
"""How long a process that ends waits for its last reports."""
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
PLAIN: Final = re.compile(r"[A-Za-z0-9_.:+-]{1,200}")
"""What an id may look like: words with spaces are none."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What each report says of where it comes from."""

    release: str
    environment: str
    engine_version: Callable[[], str]
    """Called at the first report: it reads the sources."""


def start(dsn: str, installation: Installation) -> bool:
    """From now on lines at ERROR with an exception are reported; False, and one line that says so, where `dsn` is none."""
    try:
        Dsn(dsn)
    except (BadDsn, ValueError):
        logger.warning("SENTRY_DSN is no address of a project: errors are not reported")  # it may hold a key
        return False
    # What the SDK would collect of users is off while neither `send_default_pii` nor `data_collection` is set.
    sentry_sdk.init(
        dsn=dsn,
        release=installation.release,
        environment=installation.environment,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[AtexitIntegration(callback=_say_nothing), ExcepthookIntegration()],
        transport=_Transport,
        shutdown_timeout=SHUTDOWN_S,
        before_send=_Allowlist(installation),
        in_app_include=list(ROOMS),
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=None,
        propagate_traces=False,
        auto_session_tracking=False,
        send_client_reports=False,
        enable_backpressure_handling=False,
        server_name="",
        spotlight=False,
        debug=False,
    )
    handler = _Handler(level=logging.ERROR)
    handler.addFilter(_is_to_report)
    logging.getLogger().addHandler(handler)
    return True


def flush() -> None:
    """Wait a moment for what is under way, before a process ends without its exit handlers."""
    sentry_sdk.flush(timeout=SHUTDOWN_S)


def _is_to_report(record: logging.LogRecord) -> bool:
    """Whether a line at ERROR tells of a failure that is ours, for the first time.

    Of Django's, only those of a request that ended in 500: in 503 something may be back in a moment, and `django.security` tells
    what callers try.
    """
    failure = record.exc_info[1] if record.exc_info else None
    if failure is None:
        return False
    if record.name.partition(".")[0] == "django" and getattr(record, "status_code", None) != INTERNAL_SERVER_ERROR:
        return False
    return _is_first(failure)


def _is_first(failure: BaseException) -> bool:
    """Whether neither this failure nor what it was raised from was reported; from now on it was."""
    links = list(_causes(failure))
    if any("_reported" in vars(link) for link in links):
        return False
    for link in links:
        vars(link)["_reported"] = True
    return True


def _causes(failure: BaseException) -> Iterator[BaseException]:
    """A failure and those that it was deliberately raised from. What broke while another was handled is one of its own."""
    visited_ids = set()
    link: BaseException | None = failure
    while link is not None and id(link) not in visited_ids:
        visited_ids.add(id(link))
        yield link
        link = link.__cause__


class _Handler(EventHandler):
    def format(self, record: logging.LogRecord) -> str:
        """Nothing: the SDK formats each line, with its traceback, and throws that away."""
        return ""


class _Transport(HttpTransport):
    """Sends from a thread of its own, out of a queue of 100 that drops what is too much."""

    TIMEOUT = 5
    _is_loss_logged = False

    def _get_pool_options(self) -> dict[str, Any]:
        """Without urllib3's three further tries, each of which writes a line of the log."""
        return {**super()._get_pool_options(), "retries": False}

    def on_dropped_event(self, reason: str) -> None:
        if not self._is_loss_logged:
            self._is_loss_logged = True
            logger.warning("error reports do not arrive", extra={"reason": reason})


class _Allowlist:
    """Makes the report that leaves, of nothing but what may leave."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def __call__(self, event: Event, hint: Hint) -> Event | None:
        record = hint.get("log_record")
        if record is None and not _is_fault_of_command(hint["exc_info"][1]):
            return None
        tags = {"engine": self._installation.engine_version(), **current_ids()}
        report: dict[str, Any] = {
            **{name: event[name] for name in ("event_id", "timestamp", "level") if name in event},
            "platform": "python",
            "release": self._installation.release,
            "environment": self._installation.environment,
            "tags": {name: str(value) for name, value in tags.items() if PLAIN.fullmatch(str(value))},
        }
        if values := event.get("exception", {}).get("values"):
            report["exception"] = {"values": [_exception(value) for value in values]}
        if record is not None:
            report |= _about(record)
        return report  # type: ignore[return-value]


def _is_fault_of_command(failure: BaseException) -> bool:
    return isinstance(failure, Exception) and _is_first(failure)


def _exception(value: dict[str, Any]) -> dict[str, Any]:
    """Class and frames. The words of an exception may hold anything."""
    frames = (value.get("stacktrace") or {}).get("frames", ())
    mechanism = value.get("mechanism") or {}
    return {
        **_only(value, ("type", "module")),
        "mechanism": _only(mechanism, ("type", "handled")),
        "stacktrace": {"frames": [_only(f, ("module", "function", "lineno", "filename", "in_app")) for f in frames]},
    }


def _about(record: logging.LogRecord) -> dict[str, Any]:
    """The logger; the words of the line where they are ours, which are constants; the route or the task."""
    about: dict[str, Any] = {"logger": record.name}
    if is_ours(record):
        about["logentry"] = {"message": str(record.msg)}
    request = getattr(record, "request", None)
    if request is not None and request.resolver_match is not None:
        about["transaction"] = request.resolver_match.route
        if request.method in METHODS:
            about["request"] = {"method": request.method}
    task = getattr(record, "data", None)
    if record.name.startswith("celery.") and isinstance(task, dict) and PLAIN.fullmatch(str(task.get("name"))):
        about["transaction"] = task["name"]
    return about


def _only(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _say_nothing(pending: int, timeout: float) -> None:
    """At the end of a command; the SDK would write to the terminal."""
