"""What stands for the risk-free rate and for a factor is staff's to choose; packs and what they hold are evidence."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from config.admin import EvidenceAdmin
from pricing import models
from pricing.providers import states


@admin.register(models.PricingPack)
class PricingPackAdmin(EvidenceAdmin):
    list_display = (
        "id",
        "policy",
        "asof_date",
        "release",
        "sequence",
        "status",
        "sealed_at",
        "failed_job",
        "chain_hash",
    )
    list_filter = ("policy", "status")
    list_select_related = ("policy",)
    date_hierarchy = "asof_date"
    search_fields = ("id", "chain_hash")


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
    """Above the archives, how the providers are doing."""

    list_display = ("id", "archive_end", "digest", "loaded_at")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"providers": states.every()} | (extra_context or {}))


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
        "quote_unit",
        "kind",
        "exchange",
        "price_basis",
        "first_date",
        "last_date",
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
    list_display = ("code", "fixing", "pivot", "fix_time", "fix_timezone", "max_stale_sessions", "max_stale_fixings")


@admin.register(models.RiskFreeRate)
class RiskFreeRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("base_currency", "series", "series_currency")
    list_select_related = ("series",)


@admin.register(models.FactorSeries)
class FactorSeriesAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("factor", "rank", "series_id", "minus_trailing", "change", "degraded")
    list_filter = ("factor",)
