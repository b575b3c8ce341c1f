"""The body of POST /v1/execute."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import empty

from execution import executor
from execution.executor import RequestInvalid
from execution.web.api.fields import IS_COMMIT, NO_COMMIT, IsoDate, JsonBoolean, Text, UuidText
from execution.web.api.query import invalid_fields, unknown_fields


class ExecuteRequest(serializers.Serializer[Any]):
    pattern_id = Text(
        max_length=64,
        reason="must be a string of 1 to 64 characters",
        error_messages=dict.fromkeys(("required", "null"), "is missing"),
    )
    pattern_version = Text(
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
    ledger_commit = Text(
        required=False,
        allow_null=True,
        reason=NO_COMMIT,
        validators=[IS_COMMIT],
        help_text="The ledger as it was then; without it, the newest reconciled revision.",
    )
    pricing_pack_id = Text(
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
    faults = unknown_fields(form, document) + invalid_fields(form)
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
