"""An agent that breaks in every way, with what it was given in the words."""

from typing import Any

from django.db import connection

from agents.breaker import DependencyFailed
from agents.result import RequestContext, Result
from config.errors import TieoutError


class Named(TieoutError):
    """A failure that has a name, and words."""


class Away(DependencyFailed):
    """What the agent needs does not answer, and its address has a key."""


def breaks(ctx: RequestContext, *, how: str, note: str) -> Result[dict[str, Any]]:
    local = f"a local variable with {note}"
    match how:
        case "stranger":
            try:
                dict[str, int]()[local]
            except KeyError as missing:
                raise ValueError(f"{note} is worth {local}") from missing
        case "named":
            raise Named(f"nothing is known of {note}")
        case "away":
            raise Away(f"https://provider.example/?apikey={note} does not answer")
        case "network":
            raise ConnectionError(f"https://provider.example/?apikey={note} does not answer")
        case "sql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT %s::integer", [note])
    return Result({"echo": note}, sources=(), asof=ctx.asof_date, ttl=0)
