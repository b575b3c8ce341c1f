"""A JSON body: what may be sent, and how much of it."""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from config import strict_json
from execution.executor import RequestInvalid

MAX_BODY_BYTES = 1024 * 1024


class StrictJson(BaseParser):
    """REST framework's parser for a JSON object that has one meaning or none, of at most MAX_BODY_BYTES."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return read_object(stream.read(MAX_BODY_BYTES + 1))


def read_bytes(request: Request) -> bytes:
    """The body of a request that says it is JSON. Raises UnsupportedMediaType; strict_json.TooLarge before it is read."""
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if kind != StrictJson.media_type:
        raise UnsupportedMediaType(kind or "nothing")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        raise strict_json.TooLarge(MAX_BODY_BYTES)
    return bytes(request._request.body)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises strict_json.TooLarge, strict_json.JsonRefused, RequestInvalid."""
    document = strict_json.loads(body, max_bytes=MAX_BODY_BYTES)
    if not isinstance(document, dict):
        raise RequestInvalid([{"pointer": "", "reason": "must be an object"}])
    return document
