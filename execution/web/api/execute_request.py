"""The body of POST /v1/execute."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.fields import empty

from config import dates
from execution import executor
from execution.executor import RequestInvalid
from execution.web.api.query import invalid_fields, unknown_fields

NO_COMMIT = "must be 40 hexadecimal digits"
NO_WORDS: Mapping[str, str] = MappingProxyType({})
UUID_LENGTH = 36


class JsonText(serializers.CharField):
    """A JSON string, to the character. `reason`: the words for whatever is none, or is too long or empty."""

    def __init__(self, *, reason: str, error_messages: Mapping[str, str] = NO_WORDS, **how: Any) -> None:
        words = dict.fromkeys(("invalid", "blank", "max_length"), reason)
        super().__init__(trim_whitespace=False, error_messages={**words, **error_messages}, **how)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class UuidText(serializers.UUIDField):
    default_error_messages = {"invalid": "must be a UUID"}

    def to_internal_value(self, data: Any) -> UUID:
        try:
            if not isinstance(data, str) or len(data) != UUID_LENGTH:
                raise ValueError
            return UUID(data)
        except ValueError:
            self.fail("invalid")


class IsoDate(serializers.DateField):
    default_error_messages = {"invalid": "must be a date as YYYY-MM-DD"}

    def to_internal_value(self, data: Any) -> date:
        try:
            return dates.parse(data)
        except (TypeError, ValueError):
            self.fail("invalid")


class JsonBoolean(serializers.BooleanField):
    default_error_messages = dict.fromkeys(("invalid", "null"), "must be true or false")

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid")
        return data


class ExecuteRequest(serializers.Serializer[Any]):
    pattern_id = JsonText(
        max_length=64,
        reason="must be a string of 1 to 64 characters",
        error_messages=dict.fromkeys(("required", "null"), "is missing"),
    )
    pattern_version = JsonText(
        required=False,
        allow_null=True,
        max_length=32,
        reason="must be a string of 1 to 32 characters",
        help_text="Any that was published; without it, the one that is served.",
    )
    inputs = serializers.DictField(
        default=dict,
        error_messages=dict.fromkeys(("not_a_dict", "null"), "must be an object"),
        help_text="What the pattern declares; inputs with a default may be left out.",
    )
    portfolio_id = UuidText(required=False, allow_null=True)
    asof_date = IsoDate(required=False, allow_null=True, help_text="Without it, the newest pack day.")
    require_fresh = JsonBoolean(
        default=True, help_text="false is for staff: a sealed pack that is not open yet may answer."
    )
    ledger_commit = JsonText(
        required=False,
        allow_null=True,
        reason=NO_COMMIT,
        validators=[RegexValidator(r"^[0-9a-f]{40}\Z", NO_COMMIT)],
        help_text="The ledger as it was then; without it, the newest reconciled revision.",
    )
    pricing_pack_id = JsonText(
        required=False,
        allow_null=True,
        allow_blank=True,
        max_length=48,
        reason="must be a string of at most 48 characters",
    )


def parse(document: dict[str, Any]) -> executor.Request:
    """The request that a body makes.

    A field that is wrong is left out and stands in `faults`, so that it is refused together with what else is wrong.
    raises   RequestInvalid where it names no pattern: nothing else can be checked then
    """
    form = ExecuteRequest(data=document)
    faults = unknown_fields(form, document, "is not a field of this request") + invalid_fields(form)
    if "pattern_id" in form.errors:
        raise RequestInvalid(faults)
    return executor.Request(**{"inputs": {}, **_readable(form, document)}, faults=tuple(faults))


def _readable(form: ExecuteRequest, document: Mapping[str, Any]) -> dict[str, Any]:
    """The values of all fields that are given, or have a default, and are not refused."""
    if form.is_valid():
        return dict(form.validated_data)
    return {
        name: field.run_validation(document.get(name, empty))
        for name, field in form.fields.items()
        if name not in form.errors and (name in document or field.default is not empty)
    }
