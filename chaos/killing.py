"""Something done in a process of its own that is killed on its way: at a statement, or after a time. One thread only: it forks."""

import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from django.db import connections

Statement = tuple[str, int, int]
"""File, line, and whether it is reached for the first or the second time."""
MOST_PASSES = 2
TOLD_EACH = 25
Trace = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True, slots=True)
class Walk:
    """What is walked: the statements of these files (by the ends of their paths) from the first call of a function on."""

    files: tuple[str, ...]
    begin: tuple[str, str]
    """File and name of the function."""

    def statements(self, action: Callable[[], object]) -> list[Statement]:
        """Do it, and tell the statements in their order."""
        statements: list[Statement] = []
        sys.settrace(self._trace(statements.append))
        try:
            action()
        finally:
            sys.settrace(None)
        return statements

    def kill_at(self, statement: Statement, action: Callable[[], object]) -> bool:
        """Do it until the statement; whether it was killed there. Raises as `_wait` does."""

        def reach(reached: Statement) -> None:
            if reached == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        return _wait(_fork(action, self._trace(reach)))

    def _trace(self, reach: Callable[[Statement], None]) -> Trace:
        passes: Counter[tuple[str, int]] = Counter()
        begun = False

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal begun
            path = frame.f_code.co_filename
            begun = begun or (path.endswith(self.begin[0]) and frame.f_code.co_name == self.begin[1])
            if not path.endswith(self.files):
                return None
            if begun and event == "line":
                place = next(name for name in self.files if path.endswith(name)), frame.f_lineno
                passes[place] += 1
                if passes[place] <= MOST_PASSES:
                    reach((*place, passes[place]))
            return trace

        return trace


def seconds_of(action: Callable[[], object]) -> float:
    """How long it takes in a process of its own that nobody kills. Raises as `_wait` does."""
    started = time.monotonic()
    _wait(_fork(action, None))
    return time.monotonic() - started


def kill_after(seconds: float, action: Callable[[], object]) -> bool:
    """Do it for so long; whether it was killed, and not done before. Raises as `_wait` does."""
    child = _fork(action, None)
    time.sleep(seconds)
    os.kill(
        child, signal.SIGKILL
    )  # where it has ended already, there is nobody to kill, and it is waited for all the same
    return _wait(child)


def tell(kills: int, failures: int) -> None:
    """Say each so many kills how far it is: a walk takes an hour."""
    if kills % TOLD_EACH == 0:
        print(f"{kills} kills, {failures} failures", file=sys.stderr, flush=True)


def _fork(action: Callable[[], object], trace: Trace | None) -> int:
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            sys.settrace(trace)
            action()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    return child


def _wait(child: int) -> bool:
    """Whether it was killed; False where it was done before. Raises RuntimeError where it failed by itself."""
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    if status != 0:
        raise RuntimeError("it failed by itself, before it was killed")
    return False
