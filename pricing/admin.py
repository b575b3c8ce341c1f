"""Staff choose the series of risk-free rates and factors; packs and their rows are evidence, which nobody edits."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from config.admin import EvidenceAdmin, KeyedChoices
from pricing import models, packs
from pricing.providers import states
from pricing.quality import quarantine
from pricing.quality.suspects import Rule


@admin.register(models.PricingPack)
class PricingPackAdmin(EvidenceAdmin):
    list_display = (
        "id",
        "policy",
        "asof_date",
        "release",
        "sequence",
        "status",
        "coverage",
        "rates",
        "stale",
        "extreme",
        "accepted",
        "undecided",
        "sealed_at",
        "failed_job",
        "chain_hash",
    )
    list_filter = ("policy", "status")
    list_select_related = ("policy",)
    list_per_page = 50
    date_hierarchy = "asof_date"
    search_fields = ("id", "chain_hash")

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.PricingPack]:
        return packs.with_quality(super().get_queryset(request))

    @admin.display(description="Prices")
    def coverage(self, pack: Any) -> str:
        return f"{pack.priced} of {pack.active}"

    @admin.display(description="Rates")
    def rates(self, pack: Any) -> int:
        return int(pack.converted)

    @admin.display(description="Stale")
    def stale(self, pack: Any) -> int:
        return int(pack.stale_rows)

    @admin.display(description="Extreme")
    def extreme(self, pack: Any) -> int:
        return int(pack.extreme_rows)

    @admin.display(description="Accepted")
    def accepted(self, pack: Any) -> int:
        return int(pack.accepted_rows)

    @admin.display(description="Undecided")
    def undecided(self, pack: Any) -> int:
        return int(pack.undecided_rows)


@admin.register(models.PackContent)
class PackContentAdmin(EvidenceAdmin):
    list_display = ("id", "content_hash", "rows")
    search_fields = ("content_hash",)


@admin.register(models.PackPrice)
class PackPriceAdmin(EvidenceAdmin):
    list_display = ("id", "security", "observed_date", "close", "currency", "price_basis", "source", "flags")
    list_select_related = ("security", "content")
    list_filter = ("source", "security")


@admin.register(models.PackRate)
class PackRateAdmin(EvidenceAdmin):
    list_display = ("id", "base", "quote", "observed_date", "rate", "fix_at", "source", "flags")
    list_select_related = ("content",)
    list_filter = ("quote", "source")


@admin.register(models.PackObservation)
class PackObservationAdmin(EvidenceAdmin):
    list_display = ("id", "series", "observation_date", "value", "known_at", "vintage", "source", "flags")
    list_select_related = ("series", "content")
    list_filter = ("series",)


@admin.register(models.PackAction)
class PackActionAdmin(EvidenceAdmin):
    list_display = (
        "id",
        "security",
        "ex_date",
        "action",
        "ratio",
        "amount",
        "currency",
        "pay_date",
        "announced",
        "source",
    )
    list_select_related = ("security", "content")
    list_filter = ("action", "security")


@admin.register(models.MarketArchive)
class MarketArchiveAdmin(EvidenceAdmin):
    """The page shows the state of the providers above the archives."""

    list_display = ("id", "archive_end", "digest", "loaded_at")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"providers": states.all_providers()} | (extra_context or {}))


class ReferenceAdmin(EvidenceAdmin):
    """Rows that a market data folder or a migration brings: the role of the web may read them only.

    sealed_in  what packs were hashed with, which could not be edited if the rest could
    """

    sealed_in: tuple[str, ...] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return self.sealed_in if obj else ()


@admin.register(models.Security)
class SecurityAdmin(ReferenceAdmin):
    sealed_in = ("symbol",)
    list_display = (
        "symbol",
        "name",
        "currency",
        "price_unit",
        "quote_unit",
        "multiplier",
        "kind",
        "exchange",
        "price_basis",
        "first_date",
        "last_date",
        "expiry",
        "maturity",
    )
    list_filter = ("exchange", "kind", "price_basis", "source")
    search_fields = ("symbol", "name")


@admin.register(models.Series)
class SeriesAdmin(ReferenceAdmin):
    sealed_in = ("id", "unit")
    list_display = ("id", "title", "unit", "frequency", "lag_rule", "lag_days", "source")
    list_filter = ("frequency", "source")
    search_fields = ("id", "title")


@admin.register(models.PricingPolicy)
class PricingPolicyAdmin(ReferenceAdmin):
    sealed_in = ("code", "fixing", "pivot", "fix_time", "fix_timezone")
    list_display = (
        "code",
        "fixing",
        "pivot",
        "fix_time",
        "fix_timezone",
        "max_stale_sessions",
        "max_stale_fixings",
        "max_missing_share",
        "max_missing_count",
    )


@admin.register(models.RiskFreeRate)
class RiskFreeRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("base_currency", "series", "series_currency")
    list_select_related = ("series",)


@admin.register(models.FactorSeries)
class FactorSeriesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("factor", "rank", "series_id", "minus_trailing", "change", "degraded")
    list_filter = ("factor",)


class DecisionForm(ActionForm):
    reason = forms.CharField(max_length=400, required=False)


@admin.register(models.QuarantinedRow)
class QuarantinedRowAdmin(EvidenceAdmin):
    """Staff decide on one row or on many at once, and give a reason; nobody changes the row itself."""

    list_display = (
        "kind", "key", "date", "value", "rule", "reason", "source", "decision", "decision_reason", "decided_at",
    )  # fmt: skip
    list_display_links = ("key",)
    list_filter = ("decision", "kind", "rule", "source")
    search_fields = ("key",)
    date_hierarchy = "date"
    action_form = DecisionForm
    actions = ("accept", "reject")
    readonly_fields = (
        "kind", "key", "date", "value", "rule", "reason", "source", "first_seen", "seen_at", "decided_by", "decided_at",
    )  # fmt: skip
    fields = (*readonly_fields[:-2], "decision", "decision_reason", *readonly_fields[-2:])

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("pricing.change_quarantinedrow")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **({"form": QuarantinedRowForm} | kwargs))

    def save_model(self, request: HttpRequest, obj: models.QuarantinedRow, form: Any, change: bool) -> None:
        self._decide(request, [obj], models.Decision(obj.decision), obj.decision_reason)

    @admin.action(description="Accept the selected rows", permissions=["change"])
    def accept(self, request: HttpRequest, rows: QuerySet[models.QuarantinedRow]) -> None:
        self._decide_many(request, rows, models.Decision.ACCEPTED)

    @admin.action(description="Reject the selected rows", permissions=["change"])
    def reject(self, request: HttpRequest, rows: QuerySet[models.QuarantinedRow]) -> None:
        self._decide_many(request, rows, models.Decision.REJECTED)

    def _decide_many(
        self, request: HttpRequest, rows: QuerySet[models.QuarantinedRow], decision: models.Decision
    ) -> None:
        selection, reason = list(rows), request.POST.get("reason", "")[:400]
        try:
            self._decide(request, selection, decision, reason)
        except (quarantine.ReasonMissing, quarantine.NothingToAccept) as why:
            self.message_user(request, f"Nothing was decided: {why}.", messages.ERROR)
            return
        for row in selection:
            self.log_change(request, row, f"{decision.label}: {reason}")
        self.message_user(request, f"{len(selection)} {decision.label}. The next build takes it into account.")

    def _decide(
        self, request: HttpRequest, rows: list[models.QuarantinedRow], decision: models.Decision, reason: str
    ) -> None:
        quarantine.decide(rows, decision=decision, reason=reason, by=request.user.pk or 0)


class QuarantinedRowForm(forms.ModelForm):  # type: ignore[type-arg]
    """The decision and its reason. A row can not go back to undecided."""

    decision = forms.ChoiceField(choices=[each for each in models.Decision.choices if each[0] != "pending"])
    decision_reason = forms.CharField(max_length=400, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_decision(self) -> str:
        decision: str = self.cleaned_data["decision"]
        if decision == models.Decision.ACCEPTED and self.instance.rule == Rule.REFUSED:
            raise forms.ValidationError(str(quarantine.NothingToAccept(self.instance)))
        return decision


@admin.register(models.SecurityAlias)
class SecurityAliasAdmin(KeyedChoices, admin.ModelAdmin):  # type: ignore[type-arg]
    list_display: tuple[str, ...] = ("provider", "symbol", "security", "valid_from", "valid_to")
    list_select_related = ("security",)
    list_filter = ("provider",)
    search_fields = ("symbol", "security__symbol")
    autocomplete_fields = ("security",)


@admin.register(models.SymbolOverride)
class SymbolOverrideAdmin(SecurityAliasAdmin):
    list_display = ("provider", "symbol", "security", "valid_from", "valid_to", "reason")
