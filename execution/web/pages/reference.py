"""The reference of the API: the OpenAPI document as a page, without script and from our own host."""

import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from execution.web.api.openapi import SCHEMAS, OneDocument

METHODS: Final = ("get", "post", "patch", "delete")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return render(request, "reference.html", _context())


@lru_cache(maxsize=1)
def _context() -> dict[str, Any]:
    document = OneDocument().get_schema()  # type: ignore[no-untyped-call]
    operations = sorted(_operations(document), key=lambda each: (each["tag"], each["path"]))
    return {
        "groups": [(tag, list(of_tag)) for tag, of_tag in groupby(operations, lambda each: each["tag"])],
        "schemas": [(name, _text(schema)) for name, schema in sorted(document["components"]["schemas"].items())],
    }


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(path, method, methods[method])


def _operation(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    return {
        "tag": operation["tags"][0],
        "path": path,
        "method": method.upper(),
        "id": operation["operationId"],
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "parameters": [each | {"about": _about(each["schema"])} for each in operation.get("parameters", ())],
        "bodies": [
            {"kind": kind, "about": _about(body["schema"]), "examples": _examples(body)}
            for kind, body in operation.get("requestBody", {}).get("content", {}).items()
        ],
        "responses": [
            {
                "status": status,
                "description": response["description"],
                "contents": [(kind, _about(body["schema"])) for kind, body in response.get("content", {}).items()],
            }
            for status, response in operation["responses"].items()
        ],
    }


def _about(schema: dict[str, Any]) -> dict[str, str]:
    """`name` of the schema that is referred to, or `text` of one that stands there itself."""
    if "$ref" in schema:
        return {"name": schema["$ref"].removeprefix(SCHEMAS)}
    kind = schema.get("type", "")
    words = [kind] if isinstance(kind, str) else kind
    words = [
        *words,
        *(f"{name} {schema[name]}" for name in ("format", "minimum", "maximum", "default") if name in schema),
    ]
    return {"text": ", ".join(filter(None, words)) or _text(schema)}


def _examples(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["summary"], _text(each["value"])) for each in body.get("examples", {}).values()]


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
