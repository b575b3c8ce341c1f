"""The settings of a portfolio through the street door: shown, and changed by its owner."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution.web.api import PROBLEM, StrictJson
from execution.web.imports_api import own
from portfolio import settings_change
from portfolio.models import LedgerRevision, Portfolio
from portfolio.portfolio_settings import BENCHMARK, DIRECTIVES, FIXED, SETTINGS
from portfolio.settings_change import CHOICES, Changed, Shown

REFUSALS = {(status, "application/problem+json"): PROBLEM for status in (400, 401, 403, 404, 415, 503)}


def _field(name: str, **how: Any) -> serializers.Field[Any, Any, Any, Any]:
    if name in CHOICES:
        return serializers.ChoiceField(list(CHOICES[name]), **how)
    if name == "fees_in_cost":
        return serializers.BooleanField(**how)
    stays = "Stays as it is once the portfolio has a ledger." if name in FIXED else "By its name; null for none."
    return serializers.CharField(allow_null=name == BENCHMARK, help_text=stays, **how)


SHOWN: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "portfolio_id": serializers.UUIDField(),
    "settings": inline_serializer("PortfolioSettings", {name: _field(name) for name in SETTINGS}),
    "kept_in": serializers.DictField(
        child=serializers.ChoiceField(["ledger", "portfolio", "fixed"]),
        help_text="ledger: a change is a revision; portfolio: a change is another request; fixed: no change any more.",
    ),
    "revision": serializers.IntegerField(
        allow_null=True, help_text="The newest reconciled one, whose settings they are."
    ),
}
CHANGED: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    **SHOWN,
    "changed": serializers.ListField(child=serializers.CharField(), help_text="Settings that have another value now."),
    "new_revision": serializers.IntegerField(allow_null=True, help_text="That the change made of the ledger."),
    "commit": serializers.CharField(allow_null=True),
    "revision_status": serializers.CharField(
        allow_null=True, help_text="reconciled; read before the first pack; broken, with its breaks, and not used."
    ),
    "breaks": serializers.ListField(child=serializers.CharField(), help_text="Where ledger and database differ."),
}


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Settings(APIView):
    """What a portfolio's figures are computed by. Answers of before stay what they were."""

    parser_classes = (StrictJson,)

    @extend_schema(
        operation_id="settings", responses={200: inline_serializer("SettingsShown", dict(SHOWN)), **REFUSALS}
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = own(portfolio_id, request)
            return Response(described(portfolio, settings_change.show(portfolio=portfolio)))

    @extend_schema(
        operation_id="change_settings",
        request=inline_serializer("SettingsWanted", {name: _field(name, required=False) for name in SETTINGS}),
        responses={200: inline_serializer("SettingsChanged", dict(CHANGED)), **REFUSALS},
    )
    def patch(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = own(portfolio_id, request)
        wanted = request.data
        assert isinstance(wanted, dict)  # StrictJson takes nothing else
        changed = settings_change.change(
            portfolio=portfolio, wanted=wanted, author=request.user.get_username(), at=timezone.now()
        )
        return Response(described_change(portfolio, changed))


def described(portfolio: Portfolio, shown: Shown) -> dict[str, Any]:
    return {
        "portfolio_id": str(portfolio.pk),
        "settings": dict(shown.values),
        "kept_in": {name: _kept_in(name, is_booked=shown.is_booked) for name in SETTINGS},
        "revision": shown.revision.number if shown.revision else None,
    }


def described_change(portfolio: Portfolio, changed: Changed) -> dict[str, Any]:
    revision: LedgerRevision | None = changed.revision
    return {
        **described(portfolio, changed.shown),
        "changed": list(changed.names),
        "new_revision": revision.number if revision else None,
        "commit": revision.commit if revision else None,
        "revision_status": revision.status if revision else None,
        "breaks": list(changed.breaks),
    }


def _kept_in(name: str, *, is_booked: bool) -> str:
    if name in FIXED:
        return "fixed" if is_booked else "portfolio"
    return "ledger" if name in DIRECTIVES else "portfolio"
