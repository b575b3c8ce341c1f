"""The switch: a process is traced where a receiver is set. Without one, nothing that traces is loaded."""

from urllib.parse import urlsplit

from django.conf import settings

from config.telemetry import receiver


def start(process: str) -> None:
    """Trace this process, a `web`, `worker`, `beat` or `command`, if OTEL_EXPORTER_OTLP_ENDPOINT says where to.

    A value that can't be used is told once in the log, and the process runs untraced. To be called after a fork; a second call does
    nothing.
    """
    if not settings.OTLP_ENDPOINT:
        return
    if not _is_address(settings.OTLP_ENDPOINT):
        receiver.say_once("OTEL_EXPORTER_OTLP_ENDPOINT is no http address: nothing is traced")
        return
    from config.telemetry import sdk

    try:
        sdk.start(process)
    except ValueError:  # whose words repeat the value
        receiver.say_once("a variable of OpenTelemetry can't be read: nothing is traced")


def load() -> None:
    """Load what `start` needs, and start nothing. For a process that forks others: each of them would take a second for it."""
    if _is_address(settings.OTLP_ENDPOINT):
        from config.telemetry import sdk  # noqa: F401


def flush() -> None:
    """Send what has ended before this process may go; waits two seconds at most."""
    if _is_address(settings.OTLP_ENDPOINT):
        from config.telemetry import sdk

        sdk.flush()


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
