"""Outages: failures of what this program stands on: database, Redis, disk. No data cause them, and they pass. The one list."""

import errno
from collections.abc import Iterator
from typing import Final

import psycopg
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerAway
from psycopg import errors
from redis.exceptions import RedisError

from config.doctor import Fault
from config.locks import LockTimeout

NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
DISK_FULL: Final = Fault("disk", "is full", "free space where PostgreSQL, the ledger and TIEOUT_VAR lie")
READ_ONLY: Final = Fault("disk", "can only be read", "mount it for writing where the ledger and TIEOUT_VAR lie")
DATABASE: Final = Fault("database", "does not answer, or ended the session", "`manage.py doctor` says what is broken")
LOCKED: Final = Fault("database", "another session kept a lock for too long", "say it again when that one has ended")
UNMIGRATED: Final = Fault("migrations", "the database lacks what this release needs", "run `manage.py migrate`")
REDIS: Final = Fault("Redis", "does not answer", "start Redis or mend REDIS_URL")
DATABASE_FAILURES: Final = (OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)


def find(failure: BaseException) -> Fault | None:
    """The outage that a failure was raised from, with its mend in words that anybody may read; None where it is none."""
    faults = [fault for link in _causes(failure) if (fault := _of(link)) is not None]
    return faults[-1] if faults else None  # the database's own words say more than those of what they are wrapped in


def _causes(failure: BaseException) -> Iterator[BaseException]:
    visited_ids: set[int] = set()
    link: BaseException | None = failure
    while link is not None and id(link) not in visited_ids:
        visited_ids.add(id(link))
        yield link
        link = link.__cause__


def _of(failure: BaseException) -> Fault | None:
    if isinstance(failure, OSError):
        return DISK_FULL if failure.errno in NO_ROOM else READ_ONLY if failure.errno == errno.EROFS else None
    if isinstance(failure, errors.DiskFull):
        return DISK_FULL
    if isinstance(failure, LockTimeout | errors.LockNotAvailable):
        return LOCKED
    if isinstance(failure, errors.UndefinedTable | errors.UndefinedColumn):
        return UNMIGRATED
    if isinstance(failure, (*DATABASE_FAILURES, errors.IdleInTransactionSessionTimeout)):
        return DATABASE
    if isinstance(failure, RedisError | BrokerAway):
        return REDIS
    return None
