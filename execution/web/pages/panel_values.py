"""What the templates of a panel name in a result, or why there is nothing to draw."""

from collections.abc import Mapping, Sequence
from typing import Any

from execution.figures import reason_words
from execution.patterns import templating
from execution.patterns.templating import Scope


class NothingToDrawError(Exception):
    """There is nothing to draw a panel from. `reason` is in words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def resolve(text: Any, scope: Scope) -> Any:
    """The value that a template names. All below an output that is unavailable is so, too. Raises NothingToDrawError."""
    parsed = templating.parse(text) if isinstance(text, str) else ()
    if len(parsed) != 1 or not isinstance(parsed[0], tuple):
        return text
    path = parsed[0]
    for length in range(2, len(path) + 1):
        try:
            value = templating.walk(path[:length], scope)
        except KeyError:
            raise NothingToDrawError(reason_words("not_in_result")) from None
        if length < len(path):
            _require_available(value)
    return value


def resolve_list(text: Any, scope: Scope) -> Sequence[Any]:
    """The list that a template names. Raises NothingToDrawError."""
    value = resolve(text, scope)
    _require_available(value)
    if not isinstance(value, list):
        raise NothingToDrawError("the result holds no list here")
    return value


def base_currency(scope: Scope) -> str:
    """The currency of the money in a result; empty for a pattern without a portfolio."""
    return scope.ctx.get("base_currency") or ""


def _require_available(value: Any) -> None:
    if isinstance(value, Mapping) and value.get("status") == "unavailable":
        raise NothingToDrawError(reason_words(value.get("reason") or "not_given"))
