"""The price of a password: Argon2id, of which a process computes one at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from config.log_in.tries import TooManyTries

AT_ONCE, WAITING = 1, 1
"""Threads of a process that compute a hash, and that wait for their turn; so many others are free to answer all else."""
BUSY_S = 1

_room, _turn = BoundedSemaphore(AT_ONCE + WAITING), BoundedSemaphore(AT_ONCE)


@contextmanager
def _one_of_few() -> Iterator[None]:
    """Raises TooManyTries where others wait already."""
    if not _room.acquire(blocking=False):
        raise TooManyTries(BUSY_S)
    try:
        with _turn:
            yield
    finally:
        _room.release()


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. A hash of
    another price is compared at that one, and made anew at this one at the next log-in of its user."""

    time_cost, memory_cost, parallelism = 2, 19456, 1

    def encode(self, password: str, salt: str) -> str:
        with _one_of_few():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> Any:
        with _one_of_few():
            return super().verify(password, encoded)
