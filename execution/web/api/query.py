"""What query strings have in common: a span of dates, a page of rows, and how a wrong parameter is refused."""

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from execution.executor import RequestInvalid

DEFAULT_ROWS, MAX_ROWS = 100, 1_000


class Page(serializers.Serializer[Any]):
    """Which rows of a long list are wanted; `rows[page_of(query)]` are they."""

    offset = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_ROWS, default=DEFAULT_ROWS)


class PageOfSpan(Page):
    """A page of rows that have a date, in a span of dates."""

    first = serializers.DateField(required=False, help_text="Nothing of an earlier date.")
    last = serializers.DateField(required=False, help_text="Nothing of a later date.")

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
    given = request.query_params
    checked = form(data=given.dict())
    wrong = unknown_fields(checked, given, "is not a parameter here")
    repeated = (name for name, values in given.lists() if len(values) > 1)
    wrong += [{"pointer": f"/{name}", "reason": "is given twice"} for name in repeated]
    wrong += invalid_fields(checked)
    if wrong:
        raise RequestInvalid(sorted(wrong, key=lambda finding: finding["pointer"]))
    return dict(checked.validated_data)


def unknown_fields(form: serializers.Serializer[Any], given: Iterable[str], reason: str) -> list[dict[str, str]]:
    """A finding for each name that the form does not have."""
    return [{"pointer": f"/{name}", "reason": reason} for name in given if name not in form.fields]


def invalid_fields(form: serializers.Serializer[Any]) -> list[dict[str, str]]:
    """A finding for each reason for which the form refuses a field; empty where it is valid."""
    form.is_valid()
    return [
        {"pointer": f"/{name}", "reason": str(reason)} for name, reasons in form.errors.items() for reason in reasons
    ]
