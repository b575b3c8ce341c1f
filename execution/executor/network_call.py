"""A call that waits on the network, in a thread of its own, so that the steps that need no answer of it go on meanwhile."""

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from time import perf_counter
from typing import Any, NoReturn

from django.db import connection

from agents.runtime import Invocation
from config.errors import TieoutError


class StepTimedOut(TieoutError):
    """The step took longer than it may. A call on the network is left alone then; of another this is known once it is over."""

    def __init__(self, timeout_s: float, took_s: float) -> None:
        super().__init__(f"took {took_s:.1f} s, may take {timeout_s:g} s")
        self.timeout_s, self.took_s = timeout_s, took_s


class NetworkCall:
    """Begins at once, and ends no later than `timeout_s` after that for whoever waits. Its thread has no database.

    A call that took longer has no answer, though it was there by the time that somebody waited for it.
    """

    def __init__(self, call: Callable[[], Invocation], timeout_s: float) -> None:
        self._timeout_s, self._started = timeout_s, perf_counter()
        self._ended: float | None = None
        threads = ThreadPoolExecutor(max_workers=1)
        self._answer = threads.submit(contextvars.copy_context().run, _call, call)
        self._answer.add_done_callback(self._end)
        threads.shutdown(wait=False)

    def wait(self) -> Invocation:
        """The answer. Raises StepTimedOut, and what the call raises."""
        wait([self._answer], max(0.0, self._started + self._timeout_s - perf_counter()))
        if not self._answer.done() or self.took_s > self._timeout_s:
            raise StepTimedOut(self._timeout_s, self.took_s)
        return self._answer.result()

    @property
    def took_s(self) -> float:
        """How long it took; of a call under way, up to now."""
        return (self._ended or perf_counter()) - self._started

    def _end(self, answer: object) -> None:
        self._ended = perf_counter()


def _call(call: Callable[[], Invocation]) -> Invocation:
    with connection.execute_wrapper(_refuse):
        return call()


def _refuse(*call: Any) -> NoReturn:
    """This thread is not in the snapshot of the run, nor in the scope of its user."""
    raise RuntimeError("a capability that calls a provider may not use the database")
