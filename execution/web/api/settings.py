"""The settings of a portfolio: read, and changed by its owner."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from execution.operations import settings_report
from execution.web.api.body import StrictJson
from execution.web.api.door import Door
from execution.web.api.portfolios import require_owned
from portfolio import portfolio_settings
from portfolio.portfolio_settings import BENCHMARK, CHOICES, FIXED, SETTINGS


def _setting_field(name: str, **how: Any) -> serializers.Field[Any, Any, Any, Any]:
    if name in CHOICES:
        return serializers.ChoiceField(list(CHOICES[name]), **how)
    if name == "fees_in_cost":
        return serializers.BooleanField(**how)
    help_text = (
        "Can't change once the portfolio has a ledger." if name in FIXED else "The name of a benchmark; null for none."
    )
    return serializers.CharField(allow_null=name == BENCHMARK, help_text=help_text, **how)


SETTINGS_FIELDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "portfolio_id": serializers.UUIDField(),
    "settings": inline_serializer("PortfolioSettings", {name: _setting_field(name) for name in SETTINGS}),
    "kept_in": serializers.DictField(
        child=serializers.ChoiceField(["ledger", "portfolio", "fixed"]),
        help_text="ledger: a change becomes a revision; portfolio: a change applies to later requests; fixed: it can't change.",
    ),
    "revision": serializers.IntegerField(
        allow_null=True, help_text="The newest reconciled revision, whose settings these are."
    ),
}
CHANGE_FIELDS: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    **SETTINGS_FIELDS,
    "changed": serializers.ListField(
        child=serializers.CharField(), help_text="Settings whose value is another one now."
    ),
    "new_revision": serializers.IntegerField(allow_null=True, help_text="The ledger revision that the change made."),
    "commit": serializers.CharField(allow_null=True),
    "revision_status": serializers.CharField(
        allow_null=True,
        help_text="reconciled; read, where there is no pack yet; broken: the breaks say why, and the revision is not used.",
    ),
    "breaks": serializers.ListField(child=serializers.CharField(), help_text="Where ledger and database differ."),
}


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Settings(Door):
    """What a portfolio's figures are computed by. Answers that were given before a change stay as they are."""

    parser_classes = (StrictJson,)

    @extend_schema(
        operation_id="settings",
        summary="What a portfolio's figures are computed by, for its owner",
        responses={200: inline_serializer("SettingsShown", dict(SETTINGS_FIELDS))},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = require_owned(portfolio_id, request)
            return Response(settings_report.as_dict(portfolio, portfolio_settings.show(portfolio=portfolio)))

    @extend_schema(
        operation_id="change_settings",
        summary="Change settings: all that are given, or none",
        examples=[OpenApiExample("two settings", {"booking_method": "LIFO", "accrual": "accrual"}, request_only=True)],
        request=inline_serializer("SettingsWanted", {name: _setting_field(name, required=False) for name in SETTINGS}),
        responses={200: inline_serializer("SettingsChanged", dict(CHANGE_FIELDS))},
    )
    def patch(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = require_owned(portfolio_id, request)
        values = request.data
        assert isinstance(values, dict)  # StrictJson takes nothing else
        changed = portfolio_settings.change(
            portfolio=portfolio, values=values, author=request.user.get_username(), at=timezone.now()
        )
        return Response(settings_report.change_as_dict(portfolio, changed))
