"""The price of a password: Argon2id, of which a process computes one at a time, behind all else that it does."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

from config.log_in.tries import TooManyTries

AT_ONCE, WAITING = 1, 4
"""Hashes of a process that are computed, and that wait for their turn: the rest of its threads are free for all else."""
BUSY_S = 1
NICE = 10
"""Steps down, which Linux takes for the one thread: a tenth of what an answer gets where both want a processor, else all of it."""


_room = BoundedSemaphore(AT_ONCE + WAITING)
_hashing = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="password-hash", initializer=os.nice, initargs=(NICE,))


def _in_turn(compute: Callable[..., Any], *args: str) -> Any:
    """Raises TooManyTries where others wait already."""
    if not _room.acquire(blocking=False):
        raise TooManyTries(BUSY_S)
    try:
        return _hashing.submit(compute, *args).result()
    finally:
        _room.release()


class BoundedArgon2PasswordHasher(Argon2PasswordHasher):
    """19 MiB, two passes, one lane: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html. A hash of
    another price is compared at that one, and made anew at this one at the next log-in of its user."""

    time_cost, memory_cost, parallelism = 2, 19456, 1

    def encode(self, password: str, salt: str) -> str:
        return str(_in_turn(super().encode, password, salt))

    def verify(self, password: str, encoded: str) -> Any:
        return _in_turn(super().verify, password, encoded)
