"""What a span may carry out of the house: a closed list of attributes. What libraries add beyond it is left behind.

Libraries tell a lot: addresses with keys and ids in them, headers, the texts of errors that repeat values of rows. The list is
looked at when spans leave, so that nothing that a library may add one day goes along.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanKind, Status
from opentelemetry.util.types import Attributes, AttributeValue

from config.telemetry.ids import Ids

PREFIX: Final = "tieout."
"""Before an id's name."""

STATEMENT, METHOD, ROUTE = "db.statement", "http.request.method", "http.route"
MAY_LEAVE: Final = frozenset(PREFIX + name for name in Ids.__annotations__) | {
    *(METHOD, ROUTE, "http.response.status_code", "url.scheme", "error.type", "exception.type"),
    *("db.system", "db.name", "db.redis.database_index", "db.redis.pipeline_length", STATEMENT),
    *("celery.action", "celery.state", "celery.task_name", "celery.retries"),
    *("messaging.message.id", "messaging.destination"),
}
OF_CALLS_OUT: Final = frozenset({"server.address", "server.port"})
"""Of calls of ours they are our own settings; of a caller's request they are what the caller wrote."""

MOST_CHARACTERS = 2000  # of a statement


def clean(span: ReadableSpan) -> ReadableSpan:
    """The span as it may leave: attributes of the list, no statement's values, of a failure its class alone."""
    attributes = _select(span.attributes, MAY_LEAVE | OF_CALLS_OUT if span.kind is SpanKind.CLIENT else MAY_LEAVE)
    name = span.name
    if span.kind is SpanKind.SERVER:  # a caller may have made a method up
        name = f"{attributes.get(METHOD, 'HTTP')} {attributes.get(ROUTE, '')}".rstrip()
    elif attributes.get("db.system") == "postgresql":
        statement = without_values(str(attributes.get(STATEMENT, "")))
        attributes[STATEMENT], name = statement, statement.partition(" ")[0].upper()
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        events=[
            Event(event.name, _select(event.attributes, MAY_LEAVE), event.timestamp)
            for event in span.events
            if event.name == "exception"
        ],
        links=[Link(link.context) for link in span.links],
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _select(attributes: Attributes, names: frozenset[str]) -> dict[str, AttributeValue]:
    return {name: value for name, value in (attributes or {}).items() if name in names}


_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*(?:.*\*/|.*) )         # up to the last end: they nest
    | (?P<name>    "(?:[^"]|"")*" )
    | (?P<value>   [eE]'(?:[^'\\]|''|\\.)*(?:'|\Z)             # E'…' with escapes; one that does not end is one value
                 | (?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|\Z)
                 | \$(?P<tag>[A-Za-z_]\w*|)\$.*?(?:\$(?P=tag)\$|\Z)
                 | (?<![\w$"%])[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\b )
    """,
    re.VERBOSE | re.DOTALL,
)
_LIST = re.compile(r"(?P<one>\?|%s|%\(\w+\)s|\$\d+)(?:, ?(?:\?|%s|%\(\w+\)s|\$\d+))+")
_ROWS = re.compile(r"(\([?%s, …]+\))(?:, ?\1)+")


@lru_cache(2048)
def without_values(statement: str) -> str:
    """A statement with `?` for each literal value, without comments, lists and rows of values shown once, cut to a bounded length.

    Our statements hold placeholders. This is for those that don't: what somebody typed, or a driver put together.
    """
    text = " ".join(_TOKEN.sub(_without_value, statement).split())
    return _ROWS.sub(r"\1, …", _LIST.sub(r"\g<one>, …", text))[:MOST_CHARACTERS]


def _without_value(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "name":
            return token.group()
        case "comment":
            return " "
    return "?"


def clean_all(spans: Sequence[ReadableSpan]) -> list[ReadableSpan]:
    return [clean(span) for span in spans]
