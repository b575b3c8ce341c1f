"""The web server's way in."""

import gc
import os

import numpy.ma  # noqa: F401  # numpy.percentile would import it in the first request
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config import doctor, embedded, warm_up
from config.telemetry import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.provide("app")

tracing.start("web")  # before the middleware is loaded
application = get_wsgi_application()

if not settings.DEVELOPMENT:
    doctor.require_bound_role("app")


def _warm() -> None:
    """Load what the first request would, then take it all out of the collector's rounds: a full one over the modules of this
    process takes 80 ms, and would fall on somebody's request."""
    _ = get_resolver().url_patterns
    warm_up.run()
    gc.collect()
    gc.freeze()


_warm()
