"""What is timed inside a world, in a process of its own: `python -m benchmarks.inside NAME` prints seconds by step as JSON."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from uuid import uuid4

import django

from config import embedded

Took = dict[str, float]


@contextmanager
def _timed(took: Took, step: str) -> Iterator[None]:
    started = perf_counter()
    yield
    took[step] = perf_counter() - started


def _quiet(what: str, count: int, total: int) -> None:
    """No bars."""


def stock() -> Took:
    """Market data, log-ins and ledgers of the demo."""
    from execution.operations import demo
    from execution.patterns import publishing

    took: Took = {}
    for document in publishing.read_library().values():
        publishing.publish(document)
    demo.make_users()
    with _timed(took, "market data"):
        demo.load_market_data(_quiet)
    with _timed(took, "ledgers"):
        demo.import_ledgers(_quiet)
    return took


def fill() -> Took:
    """All that `make demo` computes: the stock, then each job of the night over the span."""
    from execution.models import JobRun
    from execution.night import nightly
    from execution.operations import demo
    from pricing.models import PricingPolicy

    took = stock()
    run = nightly.run(policy=PricingPolicy.objects.get(pk=demo.POLICY), from_date=demo.FIRST, date=demo.LAST)
    for job in JobRun.objects.filter(run=run).order_by("position"):
        assert job.started_at is not None
        assert job.finished_at is not None
        took[job.name] = (job.finished_at - job.started_at).total_seconds()
    return took


def largest_day() -> Took:
    """The pack of the demo's first day, which brings every figure known by then. The market data was read before."""
    from execution.operations import demo
    from pricing import packs
    from pricing.archive import loading
    from pricing.models import PricingPolicy

    policy = PricingPolicy.objects.get(pk=demo.POLICY)
    loading.read_loaded()
    took: Took = {}
    with _timed(took, "build"):
        packs.build(policy=policy, dates=[demo.FIRST], run=uuid4())
    return took


SAMPLES: dict[str, Callable[[], Took]] = {"stock": stock, "fill": fill, "largest_day": largest_day}

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    embedded.provide("job")
    django.setup()
    json.dump(SAMPLES[sys.argv[1]](), sys.stdout)
