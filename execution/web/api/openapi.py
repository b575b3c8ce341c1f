"""The OpenAPI document: made once by each process, and completed by what no view can say by itself."""

from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any, Final

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView

from execution.patterns import json_schema, publishing
from execution.patterns.document import parse
from execution.web.api.door import KnownParameters
from execution.web.problems import PROBLEMS
from execution.web.problems.problem import CONTENT_TYPE

Node = dict[str, Any]

EVERYWHERE: Final = (400, 406, 500, 503)
WITH_CREDENTIALS: Final = (401, 403, 429)
WITH_BODY: Final = (413, 415)
SCHEMAS: Final = "#/components/schemas/"
HEADERS: Final[Mapping[str, str]] = {
    "X-Request-ID": "The request's own if that is a plain one; the log knows it.",
    "Cache-Control": "Nothing is for a cache that others share.",
    "WWW-Authenticate": "The scheme of a token.",
    "Retry-After": "Seconds until it is worth to ask again, where that can be said.",
    "Accept": "The media type of a body that is taken.",
    "ETag": "Of result, rights and warnings: for If-None-Match.",
    "Location": "Where the order can be followed.",
    "Preference-Applied": "respond-async",
    "RateLimit-Policy": "How much may be asked in how many seconds; absent while nothing is counted.",
    "RateLimit": "What is left of that, and the seconds until it begins again.",
    "Content-Disposition": "The name of the file.",
}
OF_ALL: Final = ("X-Request-ID", "Cache-Control")
BY_STATUS: Final[Mapping[str, tuple[str, ...]]] = {
    "401": ("WWW-Authenticate",),
    "409": ("Retry-After",),
    "415": ("Accept",),
    "429": ("Retry-After", "RateLimit-Policy", "RateLimit"),
    "503": ("Retry-After",),
}
_RATE: Final = ("RateLimit-Policy", "RateLimit")
BY_OPERATION: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("execute", "200"): ("ETag", *_RATE),
    ("execute", "202"): ("Location", "Preference-Applied", *_RATE),
    ("execution", "200"): ("ETag",),
    ("execution", "304"): ("ETag",),
    ("order_export", "201"): ("Location", *_RATE),
    ("order_export", "202"): ("Location", *_RATE),
    ("export_file", "200"): ("Content-Disposition",),
    ("portfolio_file", "200"): ("Content-Disposition",),
}
UNAVAILABLE: Final = "UnavailableOutput"

_making = Lock()
_document: Node = {}


class OneDocument(SchemaGenerator):
    """The document is the same for every caller. What makes it is drf-spectacular's inspection of the views, which two threads
    can't do at a time."""

    def get_schema(self, request: Any = None, public: bool = False) -> Node:
        with _making:
            if not _document:
                _document.update(super().get_schema(request=None, public=True))  # type: ignore[no-untyped-call]
            return _document


class Schema(KnownParameters, SpectacularAPIView):
    generator_class = OneDocument


def complete(result: Node, generator: Any, request: Any, public: bool) -> Node:
    """drf-spectacular's hook: the refusals and headers that every address has, and the types of the results of our patterns."""
    for path, operation in operations(result):
        if path.startswith("/v1/"):
            _add_refusals(path, operation)
        _add_headers(operation)
    result["components"]["headers"] = {
        name: {"description": what, "schema": {"type": "string"}} for name, what in HEADERS.items()
    }
    _add_result_types(result["components"]["schemas"])
    return result


def operations(document: Node) -> Iterator[tuple[str, Node]]:
    """Path and operation."""
    for path, methods in document["paths"].items():
        yield from ((path, operation) for operation in methods.values())


def _add_refusals(path: str, operation: Node) -> None:
    responses = operation["responses"]
    statuses = {*EVERYWHERE, *(int(status) for status in responses if status >= "400")}
    # What asks for no credential compares one: a log-in, or a token that renews.
    statuses |= {*WITH_CREDENTIALS} if operation.get("security") else {401, 429}
    if "requestBody" in operation:
        statuses |= {*WITH_BODY}
    if "{" in path:
        statuses |= {404}
    for status in sorted(statuses):
        responses[str(status)] = {
            "description": "Problem "
            + " or ".join(sorted({kind for number, kind in PROBLEMS.values() if number == status})),
            "content": {CONTENT_TYPE: {"schema": {"$ref": SCHEMAS + "Problem"}}},
        }
    operation["responses"] = dict(sorted(responses.items()))


def _add_headers(operation: Node) -> None:
    for status, response in operation["responses"].items():
        names = (*OF_ALL, *BY_STATUS.get(status, ()), *BY_OPERATION.get((operation["operationId"], status), ()))
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _add_result_types(schemas: Node) -> None:
    """Patterns that staff published have no type here: GET /v1/patterns/{id} has it, of them as of ours."""
    definitions = json_schema.Definitions(SCHEMAS)
    results = {}
    for document in publishing.read_library().values():
        pattern = parse(document)
        outputs = {
            name: {"anyOf": [definitions.of_output(pattern, name), {"$ref": SCHEMAS + UNAVAILABLE}]}
            for name in pattern.outputs
        }
        results[f"{pattern.id.title().replace('_', '')}Result"] = json_schema.object_of(outputs)
    new_schemas = {**definitions.by_name, **results, UNAVAILABLE: json_schema.UNAVAILABLE}
    assert not new_schemas.keys() & schemas.keys(), new_schemas.keys() & schemas.keys()  # a test makes the document
    schemas |= dict(sorted(new_schemas.items()))
    # Generated clients take the first type whose outputs are all there: the one of most outputs goes first.
    by_outputs = sorted(results, key=lambda name: (-len(results[name]["properties"]), name))
    schemas["Answer"]["properties"]["result"] = {
        "description": "One entry for each output of the pattern.",
        "anyOf": [*({"$ref": SCHEMAS + name} for name in by_outputs), {"type": "object", "additionalProperties": {}}],
    }
