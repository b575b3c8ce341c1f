"""What query strings and bodies have in common: a span of dates, a page of rows, and how a wrong field is refused."""

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from django.http import QueryDict
from rest_framework import serializers
from rest_framework.request import Request

from config.strict_json import pointer_to
from execution.executor import RequestInvalid
from execution.web.api.fields import IsoDate, QueryInteger

DEFAULT_ROWS, MAX_ROWS, MAX_OFFSET = 100, 1_000, 2**31


class Page(serializers.Serializer[Any]):
    """Which rows of a long list are wanted; `rows[page_of(query)]` are they."""

    offset = QueryInteger(min_value=0, max_value=MAX_OFFSET, default=0)
    limit = QueryInteger(min_value=1, max_value=MAX_ROWS, default=DEFAULT_ROWS)


class PageOfSpan(Page):
    """A page of rows that have a date, in a span of dates."""

    first = IsoDate(required=False, help_text="Nothing of an earlier date.")
    last = IsoDate(required=False, help_text="Nothing of a later date.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "first" in attrs and "last" in attrs and attrs["first"] > attrs["last"]:
            raise serializers.ValidationError({"first": f"is after last, {attrs['last'].isoformat()}"})
        return attrs


def page_of(query: Mapping[str, Any]) -> slice:
    return slice(query["offset"], query["offset"] + query["limit"])


def read_query(form: type[serializers.Serializer[Any]], request: Request) -> Mapping[str, Any]:
    """The parameters of a query string, checked by `form`.

    raises   RequestInvalid with every parameter that is unknown, wrong, blank or given twice
    """
    try:
        unquote_to_bytes(request.META.get("QUERY_STRING", "")).decode()
    except UnicodeDecodeError as failure:
        raise RequestInvalid([{"pointer": "", "reason": "the query string is not UTF-8"}]) from failure
    parameters = request.query_params
    checked = form(data=parameters.dict())
    wrong = unknown_fields(checked, parameters, "is not a parameter here")
    wrong += repeated_fields(parameters) + invalid_fields(checked)
    if wrong:
        raise RequestInvalid(sorted(wrong, key=lambda finding: finding["pointer"]))
    return dict(checked.validated_data)


def read_form(form: serializers.Serializer[Any], names: Iterable[str]) -> Mapping[str, Any]:
    """The fields of a body. Raises RequestInvalid with every one that is unknown or wrong."""
    wrong = unknown_fields(form, names) + invalid_fields(form)
    if wrong:
        raise RequestInvalid(wrong)
    return dict(form.validated_data)


def unknown_fields(
    form: serializers.Serializer[Any], names: Iterable[str], reason: str = "is not a field of this request"
) -> list[dict[str, str]]:
    """A finding for each name that the form does not have."""
    return [{"pointer": pointer_to(name), "reason": reason} for name in names if name not in form.fields]


def repeated_fields(parameters: QueryDict, *, lists: Container[str] = ()) -> list[dict[str, str]]:
    """A finding for each name that is given twice and is none of a list."""
    repeated = (name for name, values in parameters.lists() if len(values) > 1 and name not in lists)
    return [{"pointer": pointer_to(name), "reason": "is given twice"} for name in repeated]


def invalid_fields(form: serializers.Serializer[Any]) -> list[dict[str, str]]:
    """A finding for each reason for which the form refuses a field; empty where it is valid."""
    form.is_valid()
    return [{"pointer": pointer, "reason": reason} for pointer, reason in _reasons(form.errors)]


def _reasons(errors: Any, *place: object) -> Iterator[tuple[str, str]]:
    """Pointer and reason of each error; those of a list's members are below it."""
    if isinstance(errors, Mapping):
        for name, below in errors.items():
            yield from _reasons(below, *place, name)
    else:
        yield from ((pointer_to(*place), str(reason)) for reason in errors)
