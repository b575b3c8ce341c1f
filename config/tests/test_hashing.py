"""A process computes one password hash at a time, lets a few more wait, and refuses the rest at once."""

import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, get_hasher, identify_hasher, make_password

from config.log_in import hashing
from config.log_in.tries import TooManyTries

MANY = 32
REFUSED = MANY - hashing.AT_ONCE - hashing.WAITING


def attempt(act):
    try:
        return act()
    except TooManyTries as refused:
        return refused


@pytest.mark.parametrize("of", ["encode", "verify"])
def test_of_many_hashes_at_once_a_few_are_made_one_after_the_other_and_the_rest_refused(monkeypatch, of):
    hasher, begun, go_on = get_hasher(), threading.Event(), threading.Event()
    running, most = [], []

    def slow(*_):
        running.append(1)
        most.append(len(running))
        begun.set()
        assert go_on.wait(10)
        running.pop()
        return "hash"

    monkeypatch.setattr(Argon2PasswordHasher, of, slow)
    with ThreadPoolExecutor(MANY) as pool:
        first = pool.submit(attempt, lambda: getattr(hasher, of)("word", "salt"))
        assert begun.wait(10)
        others = [pool.submit(attempt, lambda: getattr(hasher, of)("word", "salt")) for _ in range(MANY - 1)]
        refused = list(itertools.islice(as_completed(others, timeout=10), REFUSED))
        go_on.set()
        answers = [first.result(10), *(each.result(10) for each in others)]

    assert {type(each.result()) for each in refused} == {TooManyTries}
    assert max(most) == hashing.AT_ONCE
    assert answers.count("hash") == hashing.AT_ONCE + hashing.WAITING
    assert [each.wait_s for each in answers if isinstance(each, TooManyTries)] == [1] * REFUSED


def test_a_hash_that_fails_gives_its_turn_back(monkeypatch):
    def fail(*_):
        raise MemoryError

    for _ in range(5):
        with monkeypatch.context() as patched:
            patched.setattr(Argon2PasswordHasher, "encode", fail)
            with pytest.raises(MemoryError):
                make_password("word")

    assert check_password("word", make_password("word"))


def test_a_hash_of_the_earlier_price_still_opens_and_is_made_anew():
    dear = type("Dear", (Argon2PasswordHasher,), {"time_cost": 2, "memory_cost": 64, "parallelism": 8})().encode(
        "word", "saltsaltsaltsaltsalt"
    )
    anew = []

    assert isinstance(identify_hasher(dear), hashing.BoundedArgon2PasswordHasher)
    assert check_password("word", dear, setter=anew.append)
    assert anew == ["word"]


def test_hashes_are_made_at_a_lower_priority_than_all_else_of_the_process(monkeypatch):
    seen = []
    monkeypatch.setattr(
        Argon2PasswordHasher, "encode", lambda *_: seen.append(os.getpriority(os.PRIO_PROCESS, 0)) or "hash"
    )

    get_hasher().encode("word", "salt")

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert seen == [min(19, own + hashing.NICE)]
    assert own == os.getpriority(os.PRIO_PROCESS, threading.main_thread().native_id)
