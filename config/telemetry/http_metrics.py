"""django-prometheus' middleware, for the little of it that is asked: latency, responses and exceptions by view.

Its labels are names of views, never paths; the pages of the admin are one view. What a caller could make up is not a label.
"""

from typing import Any

from django.http import HttpRequest
from django_prometheus import middleware
from django_prometheus.utils import Time

MEASURED = frozenset(
    {
        "django_http_requests_latency_including_middlewares_seconds",
        "django_http_requests_latency_seconds_by_view_method",
        "django_http_responses_total_by_status_view_method",
        "django_http_exceptions_total_by_view",
    }
)
"""Of some twenty that it offers. The others are sums of these, or sizes that nobody asks for, and every scrape would read them."""


class _Unmeasured:
    """A metric that is not counted."""

    def labels(self, **labels: str) -> "_Unmeasured":
        return self

    def inc(self) -> None: ...

    def observe(self, amount: float) -> None: ...


class ViewMetrics(middleware.Metrics):  # type: ignore[misc]
    def register_metric(self, metric_cls: Any, name: str, *args: Any, **kwargs: Any) -> Any:
        return super().register_metric(metric_cls, name, *args, **kwargs) if name in MEASURED else _Unmeasured()


class BeforeMiddleware(middleware.PrometheusBeforeMiddleware):  # type: ignore[misc]
    """The first of all: what it measures has the time of the others in it."""

    metrics_cls = ViewMetrics


class AfterMiddleware(middleware.PrometheusAfterMiddleware):  # type: ignore[misc]
    """The last of all: what it measures is the view's."""

    metrics_cls = ViewMetrics

    def process_request(self, request: HttpRequest) -> None:
        """The start alone. The library's own reads Content-Length as a number, which a caller may not have sent."""
        request.prometheus_after_middleware_event = Time()  # type: ignore[attr-defined]

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Count it. The library's own observes the latency, too, which the response will do again."""
        self.label_metric(self.metrics.exceptions_by_view, request, view=self._get_view_name(request)).inc()

    def label_metric(self, metric: Any, request: HttpRequest, response: Any = None, **labels: str) -> Any:
        """Close the sets: the library lets any word through as the method of a latency."""
        if "method" in labels:
            labels["method"] = self._method(request)
        if labels.get("view", "").startswith("admin:"):
            labels["view"] = "admin"
        return super().label_metric(metric, request, response, **labels)
