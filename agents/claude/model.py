"""The language model that may write a text: one request to Anthropic's Messages API, and what came of it."""

import hashlib
import json
import logging
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import Any, Final

import requests
import urllib3
from django.conf import settings
from requests.adapters import BaseAdapter

from config import strict_json, telemetry
from config.breaker import Breaker, Verdict
from config.errors import TieoutError
from config.redis_client import shared_redis
from pricing.providers.connections import ProviderSession

logger = logging.getLogger(__name__)

ADDRESS: Final = "https://api.anthropic.com/v1/messages"
API_VERSION: Final = "2023-06-01"
MOST_TOKENS: Final = 1_024
MOST_BYTES: Final = 256 * 1024
TIMEOUTS_S: Final = (5.0, 20.0)
ANSWER_S: Final = 30.0
"""For the whole answer, however slowly it comes in."""
FAIL_MAX: Final = 3
RESET_TIMEOUT_S: Final = 60.0


class ModelFailed(TieoutError):
    """The model gave no text that can be read. `reason` is for whoever reads the answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the model gave no text: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model wrote, as it wrote it.

    prompt_hash   SHA-256, hex, of the body of the request
    """

    text: str
    model: str
    prompt_hash: str


def is_on() -> bool:
    """Whether there is a key."""
    return bool(settings.ANTHROPIC_API_KEY)


def ask(instruction: str, question: str) -> Answer:
    """What the model writes to a question. Raises ModelFailed, BreakerOpen."""
    return _client(settings.ANTHROPIC_API_KEY, settings.ANTHROPIC_MODEL).ask(instruction, question)


@lru_cache
def _client(key: str, model: str) -> "ModelClient":
    """One for each key, so that its connection is kept."""
    breaker = Breaker(
        "anthropic", judge=_judge, fail_max=FAIL_MAX, reset_timeout_s=RESET_TIMEOUT_S, client=shared_redis()
    )
    return ModelClient(key, model, breaker)


class ModelClient:
    """Asks one model with one key. `adapter`: another way to carry requests, for tests."""

    def __init__(self, key: str, model: str, breaker: Breaker, adapter: BaseAdapter | None = None) -> None:
        self._key, self._model, self._breaker = key, model, breaker
        self._session = ProviderSession(adapter)

    def ask(self, instruction: str, question: str) -> Answer:
        """Raises ModelFailed, BreakerOpen."""
        body = json.dumps(
            {
                "model": self._model,
                "max_tokens": MOST_TOKENS,
                "temperature": 0,
                "system": instruction,
                "messages": [{"role": "user", "content": question}],
            }
        ).encode()
        with telemetry.span("provider.request", provider="anthropic"):
            text = self._breaker.call(lambda: _read_text(self._send(body)))
        return Answer(text, self._model, hashlib.sha256(body).hexdigest())

    def _send(self, body: bytes) -> bytes:
        """The body of the answer. A failure is raised outside of `except`, so that nothing of the request goes along."""
        headers = {"x-api-key": self._key, "anthropic-version": API_VERSION, "content-type": "application/json"}
        until = monotonic() + ANSWER_S
        reason = ""
        received = bytearray()
        try:
            with self._session.post(ADDRESS, data=body, headers=headers, stream=True, timeout=TIMEOUTS_S) as response:
                if response.status_code != 200:
                    reason = f"it answered {response.status_code}"
                else:
                    for chunk in response.iter_content(8 * 1024):
                        received += chunk
                        if len(received) > MOST_BYTES:
                            reason = "its answer is too long"
                            break
                        if monotonic() > until:
                            reason = "its answer came too late"
                            break
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as raised:
            reason = f"it did not answer ({type(raised).__name__})"
        if reason:
            logger.warning("the model gave no text", extra={"reason": reason})
            raise ModelFailed(reason)
        return bytes(received)


def _read_text(body: bytes) -> str:
    """The text of an answer. Raises ModelFailed where it holds none, or was cut off."""
    try:
        answer: Any = strict_json.loads_exact(body)
    except strict_json.JsonRefused:
        raise ModelFailed("its answer is not JSON") from None
    blocks = answer.get("content") if isinstance(answer, dict) else None
    texts = [each.get("text") for each in blocks if isinstance(each, dict)] if isinstance(blocks, list) else []
    text = "".join(each for each in texts if isinstance(each, str)).strip()
    if not text:
        raise ModelFailed("its answer holds no text")
    if answer.get("stop_reason") == "max_tokens":
        raise ModelFailed("its answer was cut off")
    return text


def _judge(raised: BaseException) -> Verdict:
    return Verdict.FAILED if isinstance(raised, ModelFailed) else Verdict.NOTHING
