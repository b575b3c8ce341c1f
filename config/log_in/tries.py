"""Tries to log in, counted in Redis by address and by account for all doors and processes.

Ten are free. After them each further try waits, at first a minute, then twice as long as the one before, at most a quarter of an
hour; after an hour without a try all is forgotten. A try is counted before anything is compared, so that parallel ones don't
outrun the count, and one that succeeds is taken back: for the address that one alone, since an attacker may own an account, for the
account all of them.
"""

import hashlib
import ipaddress
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from redis.commands.core import Script

from config.counts import number_of
from config.errors import TieoutError
from config.redis_client import shared_redis

FREE = 10
FIRST_WAIT_S, LONGEST_WAIT_S, FORGOTTEN_AFTER_S = 60, 900, 3600
IPV6_CUSTOMER = 64
"""Length of the prefix that one customer is given: any address of it is the same caller's."""

_COUNT = """
local now = tonumber(redis.call('TIME')[1])
local wait = 0
for _, key in ipairs(KEYS) do
    wait = math.max(wait, tonumber(redis.call('HGET', key, 'until') or 0) - now)
end
if wait > 0 then return wait end
for _, key in ipairs(KEYS) do
    local over = redis.call('HINCRBY', key, 'tries', 1) - tonumber(ARGV[1])
    if over >= 0 then
        local pause = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ math.min(over, 20))
        redis.call('HSET', key, 'until', string.format('%d', now + pause))
    end
    redis.call('EXPIRE', key, ARGV[4])
end
return 0
"""


class TooManyTries(TieoutError):
    """No further try now; in `wait_s` seconds there is one."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(f"too many tries to log in: wait {number_of(wait_s, 'second')}")
        self.wait_s = wait_s


def address_of(request: HttpRequest) -> str:
    """Whom a request is from. X-Forwarded-For, which a client may write, counts only behind our own proxy, which adds its end."""
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", "")) if settings.SECURE_PROXY_SSL_HEADER else ""
    text = forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    return text if address.version == 4 else str(ipaddress.ip_network((address, IPV6_CUSTOMER), strict=False))


def count(request: HttpRequest, account: str | None = None) -> None:
    """Count one try, by the address and, where it names one, by the account. Raises TooManyTries, and RedisError."""
    waits = [FREE, FIRST_WAIT_S, LONGEST_WAIT_S, FORGOTTEN_AFTER_S]
    if wait_s := int(_script()(keys=_keys(request, account), args=waits)):
        raise TooManyTries(wait_s)


def take_back(request: HttpRequest, account: str | None = None) -> None:
    """Uncount a try that compared nothing."""
    with shared_redis().pipeline() as redis:
        for key in _keys(request, account):
            redis.hincrby(key, "tries", -1)
            redis.hdel(key, "until")
        redis.execute()


def succeed(request: HttpRequest, account: str | None = None) -> None:
    """Take back a try that was right, and with it all of the account."""
    take_back(request)
    if account is not None:
        shared_redis().delete(*_keys(request, account)[1:])


def _keys(request: HttpRequest, account: str | None) -> list[str]:
    names: list[tuple[str, Any]] = [("address", address_of(request)), ("account", account)]
    return [
        f"tieout:log-in:{kind}:{hashlib.sha256(name.encode()).hexdigest()[:32]}"
        for kind, name in names
        if name is not None
    ]


@cache
def _script() -> Script:
    return shared_redis().register_script(_COUNT)
