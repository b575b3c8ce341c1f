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
    """Begins at once, and ends no later than `timeout_s` after that for whoever waits. Its thread has no database."""

    def __init__(self, call: Callable[[], Invocation], timeout_s: float) -> None:
        self._timeout_s, self._started = timeout_s, perf_counter()
        threads = ThreadPoolExecutor(max_workers=1)
        self._answer = threads.submit(contextvars.copy_context().run, _call, call)
        threads.shutdown(wait=False)

    def wait(self) -> Invocation:
        """The answer. Raises StepTimedOut, and what the call raises."""
        wait([self._answer], max(0.0, self._started + self._timeout_s - perf_counter()))
        if not self._answer.done():
            raise StepTimedOut(self._timeout_s, perf_counter() - self._started)
        return self._answer.result()


def _call(call: Callable[[], Invocation]) -> Invocation:
    with connection.execute_wrapper(_refuse):
        return call()


def _refuse(*call: Any) -> NoReturn:
    """This thread is not in the snapshot of the run, nor in the scope of its user."""
    raise RuntimeError("a capability that calls a provider may not use the database")
