"""The one way out to a provider over HTTP.

Every request: https to a host that stands in this file, on a connection of pricing.providers.connections; time and size are
limited while the answer comes in. Before it: breaker, then budget. After a failure that may pass: back-off with jitter, and
never before the time that the provider asked to be left alone until.

The key may be a parameter of the address. So no address is logged or told: errors carry the path alone, and no cause.
"""

import logging
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any

import redis
import requests
import tenacity
import urllib3
from django.conf import settings
from requests.adapters import BaseAdapter

from config import telemetry
from config.breaker import Breaker, Verdict
from config.errors import TieoutError
from config.redis_client import shared_redis
from pricing.providers import answers, metering
from pricing.providers.budget import Allowance, Budget
from pricing.providers.connections import KEY_PARAMETER, ProviderSession

logger = logging.getLogger(__name__)

HOSTS = frozenset(
    {
        "api.massive.com",
        "api.openfigi.com",
        "api.stlouisfed.org",
        "api.tiingo.com",
        "data-api.ecb.europa.eu",
        "data.sec.gov",
        "financialmodelingprep.com",
        "home.treasury.gov",
        "newsapi.org",
    }
)

CONNECT_S, READ_S = 5.0, 30.0
REQUEST_S = 25.0  # one answer, however slowly it drips; with the last read it ends before a probe's lease
TOTAL_S = 120.0  # all tries together with the waits between them
PROMPT_S, PROMPT_READ_S = 15.0, 10.0  # the same, and one read, where somebody waits for the answer
RETRIES = 5
BACKOFF_FIRST_S, BACKOFF_MAX_S, JITTER = 1.0, 60.0, 0.2
MAX_BYTES = 32 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
FAIL_MAX, RESET_TIMEOUT_S = 3, 60.0
LONGEST_RETRY_AFTER_S = 86_400.0
LEGACY = b"legacy endpoint"
"""How FMP says 403 to a key that was issued after an address was given up."""

_PASSING = frozenset({500, 502, 503, 504})
_SYMBOL = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.:=^-]{0,31}", re.ASCII)

SYSTEM_DICE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Provider:
    """Where a provider is asked, by which key, and how much it allows. Raises ValueError with the rule that it breaks.

    key_variable   the environment's name of the key; empty where it asks for none
    key_parameter  of the address, or
    key_header     name and form, as in ("Authorization", "Bearer {}"): where the key stands in a request
    off_reason     why it is off unless somebody sets its key, where that is not plain
    total_s        how long all tries of a question may take together
    """

    code: str
    host: str
    base_path: str
    allowance: Allowance
    key_variable: str = ""
    key_parameter: str = ""
    key_header: tuple[str, str] | None = None
    off_reason: str = ""
    max_bytes: int = MAX_BYTES
    timeouts_s: tuple[float, float] = (CONNECT_S, READ_S)
    total_s: float = TOTAL_S

    def __post_init__(self) -> None:
        if self.host not in HOSTS:
            raise ValueError(f"provider {self.code}: {self.host} is not in the list of hosts")
        if bool(self.key_parameter) + bool(self.key_header) != bool(self.key_variable):
            raise ValueError(f"provider {self.code}: a key stands in one place of a request")
        if self.key_parameter and not KEY_PARAMETER.fullmatch(self.key_parameter):
            raise ValueError(f"provider {self.code}: the logs would show a key that is called {self.key_parameter}")


class ProviderOff(TieoutError):
    """There is no key for it, so it is never asked."""

    def __init__(self, provider: Provider) -> None:
        super().__init__(f"{provider.code} is {off_words(provider)}")
        self.provider, self.variable = provider.code, provider.key_variable


class ProviderFailed(TieoutError):
    """No answer, or none that can be used. `passing` failures are tried again; all of them count against the provider."""

    def __init__(
        self, provider: str, path: str, reason: str, *, passing: bool = True, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{provider} {path}: {reason}")
        self.provider, self.path, self.reason = provider, path, reason
        self.passing, self.retry_after_s = passing, retry_after_s


class NotData(ProviderFailed):
    """HTML came with status 200: a page for people, whoever wrote it."""


class ProviderBusy(TieoutError):
    """It wants to be left alone, or what it allows is used up. `retry_after_s` None: it did not say for how long."""

    def __init__(self, provider: str, retry_after_s: float | None) -> None:
        until = "" if retry_after_s is None else f" for another {retry_after_s:.0f} s"
        super().__init__(f"{provider} may not be asked{until}")
        self.provider, self.retry_after_s = provider, retry_after_s


class RequestRefused(TieoutError):
    """The provider works and does not want this request."""

    reason = "refused"

    def __init__(self, provider: str, path: str, status: int) -> None:
        super().__init__(f"{provider} {path}: {self.reason} with {status}")
        self.provider, self.path, self.status = provider, path, status


class NotInPlan(RequestRefused):
    """`not_in_plan`: the plan of the key does not hold what was asked."""

    reason = "not_in_plan, refused"


class KeyRefused(RequestRefused):
    """The key is wrong, or not allowed here."""


class KeyTooNew(KeyRefused):
    """`key_too_new`: only keys that are older may ask here; the address is the one before the provider's last move."""

    reason = "key_too_new, refused"


class BadSymbol(TieoutError):
    """The symbol would change the path that it stands in."""

    def __init__(self, symbol: str) -> None:
        super().__init__(f"{symbol!r} is no symbol")
        self.symbol = symbol


@dataclass(frozen=True, slots=True)
class Clock:
    """The three clocks that a client reads; a test hands in its own."""

    now: Callable[[], float] = time.time  # seconds since 1970
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.now(), UTC)


REAL_TIME = Clock()


def key_of(provider: Provider) -> str:
    """The key from the settings; empty where there is none, or where the provider asks for none."""
    return str(settings.PROVIDER_KEYS[provider.code]) if provider.key_variable else ""


def is_on(provider: Provider) -> bool:
    """Whether it may be asked: it has its key, or needs none."""
    return bool(key_of(provider)) or not provider.key_variable


def off_words(provider: Provider) -> str:
    """Why a provider without its key is never asked."""
    why = f" ({provider.off_reason})" if provider.off_reason else ""
    return f"off: {provider.key_variable} is not set{why}"


def client_of(provider: Provider) -> "Client":
    """The one client of a provider in this process. Raises ProviderOff."""
    if not is_on(provider):
        raise ProviderOff(provider)
    return make_client(provider, key_of(provider))


def prompt_client_of(provider: Provider) -> "Client":
    """Its client for a question that somebody waits for: it gives up early. Raises ProviderOff."""
    return client_of(replace(provider, timeouts_s=(CONNECT_S, PROMPT_READ_S), total_s=PROMPT_S))


@lru_cache
def make_client(provider: Provider, key: str) -> "Client":
    """One for each provider and key, so that its connections are kept."""
    return Client(provider, key, client=shared_redis())


def symbol_in_path(symbol: str) -> str:
    """The symbol, as it may stand in a path. Raises BadSymbol."""
    if not _SYMBOL.fullmatch(symbol):
        raise BadSymbol(symbol)
    return symbol


def judge(raised: BaseException) -> Verdict:
    """What an error says about the provider: a refused request or a full budget says nothing."""
    if isinstance(raised, TieoutError) and not isinstance(raised, ProviderFailed):
        return Verdict.NOTHING
    return Verdict.FAILED if isinstance(raised, Exception) else Verdict.NOTHING


def breaker_of(provider: Provider, client: redis.Redis | None, clock: Clock = REAL_TIME) -> Breaker:
    return Breaker(
        provider.code,
        judge=judge,
        fail_max=FAIL_MAX,
        reset_timeout_s=RESET_TIMEOUT_S,
        client=client,
        clock=clock.now,
    )


class Client:
    """Asks one provider. Safe between threads; breaker and budget are shared between processes through Redis.

    adapter  another way to carry requests, for tests; the environment can't name one
    dice     draws the jitter of a wait
    """

    def __init__(
        self,
        provider: Provider,
        key: str,
        *,
        client: redis.Redis | None = None,
        adapter: BaseAdapter | None = None,
        clock: Clock = REAL_TIME,
        dice: random.Random = SYSTEM_DICE,
    ) -> None:
        self.provider, self.clock = provider, clock
        self.breaker = breaker_of(provider, client, clock)
        self.budget = Budget(provider.code, provider.allowance, client)
        self.session = ProviderSession(adapter)
        self._key, self._dice = key, dice
        header = provider.key_header
        self._headers = {header[0]: header[1].format(key)} if header else {}

    def get(self, path: str, parameters: Mapping[str, str] | None = None, *, fault: Callable[[Any], str | None]) -> Any:
        """The JSON at `path`, numbers as exact decimals.

        fault   why a well-formed answer is none; None when it is one
        raises  ProviderFailed, ProviderBusy, RequestRefused, KeyRefused, BreakerOpen
        """
        return self._get(partial(self._body, path, dict(parameters or {})), path, answers.json_of, fault)

    def post(self, path: str, document: Any, *, fault: Callable[[Any], str | None]) -> Any:
        """The JSON that answers a document sent to `path`; a question, which may be sent again. The rest as `get`."""
        return self._get(partial(self._body, path, {}, document), path, answers.json_of, fault)

    def get_table(
        self, path: str, parameters: Mapping[str, str] | None = None, *, columns: Sequence[str]
    ) -> list[dict[str, str]]:
        """The rows of the comma-separated values at `path`, by column, each cell as it was sent; `columns` must be there.

        raises  as `get`
        """
        send = partial(self._body, path, dict(parameters or {}))
        rows: list[dict[str, str]] = self._get(send, path, partial(answers.table_of, columns=columns), lambda _: None)
        return rows

    def _get(
        self,
        send: Callable[[], bytes],
        path: str,
        read: Callable[[bytes], Any],
        fault: Callable[[Any], str | None],
    ) -> Any:
        deadline = self.clock.monotonic() + self.provider.total_s
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._is_worth_another),
            wait=self._wait_s,
            stop=lambda tried: (
                tried.attempt_number > RETRIES or self.clock.monotonic() + tried.upcoming_sleep >= deadline
            ),
            sleep=self.clock.sleep,
            reraise=True,
        )
        return retrying(self._ask, send, path, read, fault, deadline)

    def _ask(
        self,
        send: Callable[[], bytes],
        path: str,
        read: Callable[[bytes], Any],
        fault: Callable[[Any], str | None],
        deadline: float,
    ) -> Any:
        self.breaker.refuse_if_open()
        self._await_turn(deadline)

        def exchange() -> Any:
            started = self.clock.monotonic()
            outcome: metering.RequestOutcome = "failed"
            try:
                with telemetry.span("provider.request", provider=self.provider.code):
                    payload = self._payload(path, send(), read)
                wrong = fault(payload)
                if wrong is not None:
                    raise ProviderFailed(self.provider.code, path, wrong, passing=False)
                outcome = "ok"
            except (ProviderBusy, RequestRefused) as failure:
                outcome = "busy" if isinstance(failure, ProviderBusy) else "refused"
                raise
            except ProviderFailed as failed:
                logger.warning(
                    "provider failed",
                    extra={"provider": failed.provider, "path": failed.path, "reason": failed.reason},
                )
                raise
            finally:
                metering.observe(self.provider.code, outcome, self.clock.monotonic() - started)
            return payload

        return self.breaker.call(exchange)

    def _await_turn(self, deadline: float) -> None:
        while (wait_s := self.budget.take(self.clock.now())) > 0:
            wait_s *= self._dice.uniform(1.0, 1.0 + JITTER / 2)
            if self.clock.monotonic() + wait_s >= deadline:
                raise ProviderBusy(self.provider.code, wait_s)
            self.clock.sleep(wait_s)

    def _is_worth_another(self, raised: BaseException) -> bool:
        if isinstance(raised, ProviderFailed):
            return raised.passing and self.breaker.state == 0
        return isinstance(raised, ProviderBusy)

    def _wait_s(self, tried: tenacity.RetryCallState) -> float:
        raised = tried.outcome.exception() if tried.outcome else None
        wish_s = raised.retry_after_s if isinstance(raised, ProviderFailed | ProviderBusy) else None
        if wish_s is not None:
            return float(wish_s) * self._dice.uniform(1.0, 1.0 + JITTER)
        backoff_s: float = (
            BACKOFF_FIRST_S * 2 ** (tried.attempt_number - 1) * self._dice.uniform(1.0 - JITTER, 1.0 + JITTER)
        )
        wait_s = min(backoff_s, BACKOFF_MAX_S)
        if isinstance(raised, ProviderBusy):
            self._forbid(wait_s)
        return wait_s

    def _forbid(self, wait_s: float) -> None:
        now = self.clock.now()
        self.budget.forbid(now + wait_s, now)

    # --- one request

    def _body(self, path: str, parameters: dict[str, str], document: Any = None) -> bytes:
        """The answer's bytes. A failure is raised outside of `except`, so that no cause with an address goes along.

        document  is posted; None: the address alone is asked for
        """
        started = self.clock.monotonic()
        address = f"https://{self.provider.host}{self.provider.base_path}{path}"
        if self.provider.key_parameter:
            parameters = {**parameters, self.provider.key_parameter: self._key}
        failure: ProviderFailed | None = None
        try:
            with self.session.request(
                "GET" if document is None else "POST",
                address,
                params=parameters,
                json=document,
                headers=self._headers,
                stream=True,
                timeout=self.provider.timeouts_s,
            ) as response:
                self._check_status(path, response)
                body = self._read(path, response, until=started + REQUEST_S)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as raised:
            failure = ProviderFailed(self.provider.code, path, _reason(raised))
        if failure is not None:
            raise failure
        self.budget.count_bytes(len(body), self.clock.now())
        logger.info(
            "provider answered",
            extra={
                "provider": self.provider.code,
                "path": path,
                "bytes": len(body),
                "duration_ms": round((self.clock.monotonic() - started) * 1000),
            },
        )
        return body

    def _check_status(self, path: str, response: requests.Response) -> None:
        status, code = response.status_code, self.provider.code
        if status == HTTPStatus.OK:
            return
        retry_after_s = _retry_after_s(response.headers.get("Retry-After", ""), self.clock.now())
        if retry_after_s is not None and status in (429, 503):
            self._forbid(retry_after_s)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise ProviderBusy(code, retry_after_s)
        if status in _PASSING:
            raise ProviderFailed(code, path, f"answered {status}", retry_after_s=retry_after_s)
        if status == HTTPStatus.PAYMENT_REQUIRED:
            raise NotInPlan(code, path, status)
        if status == HTTPStatus.FORBIDDEN and LEGACY in next(response.iter_content(CHUNK_BYTES), b"").lower():
            raise KeyTooNew(code, path, status)
        if status in (401, 403):
            raise KeyRefused(code, path, status)
        if 400 <= status < 500:
            raise RequestRefused(code, path, status)
        what = "wants to redirect" if 300 <= status < 400 else "answered"
        raise ProviderFailed(code, path, f"{what} ({status})", passing=False)

    def _read(self, path: str, response: requests.Response, *, until: float) -> bytes:
        """The body, counted unpacked as it comes in, so that neither a long answer nor one that unpacks to a long one is kept."""
        limit, body = self.provider.max_bytes, bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > limit:
                raise ProviderFailed(self.provider.code, path, f"sent more than {limit} bytes", passing=False)
            if self.clock.monotonic() > until:
                raise ProviderFailed(self.provider.code, path, f"did not end within {REQUEST_S:.0f} s")
        return bytes(body)

    def _payload(self, path: str, body: bytes, read: Callable[[bytes], Any]) -> Any:
        try:
            return read(body)
        except answers.UnreadableBody as bad:
            failed = NotData if bad.is_page else ProviderFailed
            raise failed(self.provider.code, path, bad.reason, passing=bad.passing) from None


def _reason(raised: Exception) -> str:
    """What went wrong, in our words: those of the libraries repeat the address with the key."""
    match raised:
        case requests.Timeout():
            return "did not answer in time"
        case requests.exceptions.SSLError():
            return "shows a certificate that can't be trusted"
        case requests.exceptions.ContentDecodingError():
            return "sent what can't be unpacked"
        case requests.exceptions.ChunkedEncodingError():
            return "broke off in the middle of its answer"
    return "can't be reached or broke off"


def _retry_after_s(header: str, now: float) -> float | None:
    """Seconds from now, from either form of the header; None where it says nothing that can be read."""
    if re.fullmatch(r"\d{1,9}", header, re.ASCII):
        return min(float(header), LONGEST_RETRY_AFTER_S)
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max(until.timestamp() - now, 0.0), LONGEST_RETRY_AFTER_S)
