"""What a web process does before it takes requests, so that no request waits for it. The rooms add their steps."""

from collections.abc import Callable

_STEPS: list[Callable[[], object]] = []


def register(step: Callable[[], object]) -> None:
    """Add a step. It may ask neither the database nor Redis, which a start does not wait for."""
    _STEPS.append(step)


def run() -> None:
    """Take every step. What one raises ends the start."""
    for step in _STEPS:
        step()
