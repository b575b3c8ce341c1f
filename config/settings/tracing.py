"""Where spans go. The OpenTelemetry SDK reads its other usual variables itself."""

from ipaddress import ip_network

from config import env

# Not set: this process is not traced, and loads nothing of it.
OTLP_ENDPOINT = env.text("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", default="tieout")

try:
    TRUSTED_TRACE_CALLERS = [ip_network(each) for each in env.items("TRUSTED_TRACE_CALLERS")]
except ValueError as exc:
    raise env.SettingInvalid("TRUSTED_TRACE_CALLERS", "must be addresses or networks, parted by commas") from exc
