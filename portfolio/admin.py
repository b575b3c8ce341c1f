"""Portfolios and their rows. The name and the benchmark of a portfolio are its owner's to change, and benchmarks are staff's to
define; all else is evidence, and read-only for everybody.

The database shows each staff member the portfolios of their own and those they were granted.
"""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, Model, OuterRef, QuerySet, Subquery
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from config.admin import EvidenceAdmin, EvidenceInline, KeyedChoices, OfferedFilters, UndeletableAdmin
from config.decimals import trimmed
from portfolio import access, models
from portfolio.performance import benchmarks
from pricing.market import MissingPrice
from pricing.models import PricingPolicy, Security

OWNERS_CHOICES = ("name", "benchmark")


class PortfolioForm(ModelForm):  # type: ignore[type-arg]
    """A benchmark without a price is refused: packs can't be sealed without what a portfolio is measured against."""

    def clean_benchmark(self) -> models.Benchmark | None:
        benchmark: models.Benchmark | None = self.cleaned_data["benchmark"]
        if benchmark is not None and "benchmark" in self.changed_data:
            securities = [each.security for each in benchmark.components.select_related("security")]
            unpriced = benchmarks.find_unpriced(policy=self.instance.policy, securities=securities)
            if unpriced:
                raise ValidationError([f"{benchmark} can't be taken: {each}." for each in unpriced])
        return benchmark


@admin.register(models.Portfolio)
class PortfolioAdmin(UndeletableAdmin):
    """A portfolio comes in with its ledger, and its owner may rename it, and say what it is measured against. What its lots are
    derived by is shown as the newest reconciled revision has it; it is changed in the ledger, by `portfolio_settings`."""

    list_display = ("slug", "name", "owner", "base_currency", "policy", "benchmark", "booking", "created_at")
    list_filter = ("base_currency", "policy", "benchmark")
    list_select_related = ("owner", "policy", "benchmark")
    search_fields = ("slug", "name")
    fields = (
        "slug", "name", "owner", "base_currency", "policy", "benchmark", "booking", "fees", "flow_timing", "accrual",
        "deal_rate", "created_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name not in OWNERS_CHOICES)
    form = PortfolioForm

    def get_queryset(self, request: HttpRequest) -> "QuerySet[models.Portfolio]":
        rows: QuerySet[models.Portfolio] = super().get_queryset(request)
        reconciled = models.LedgerRevision.objects.filter(
            portfolio=OuterRef("pk"), status=models.RevisionStatus.RECONCILED
        )
        return rows.annotate(in_ledger=Subquery(reconciled.order_by("-number").values("settings")[:1]))

    @admin.display(description="booking method")
    def booking(self, row: Any) -> str:
        return str(_in_effect(row, "booking_method"))

    @admin.display(description="fees in cost", boolean=True)
    def fees(self, row: Any) -> bool:
        return bool(_in_effect(row, "fees_in_cost"))

    @admin.display(description="trade fx")
    def deal_rate(self, row: Any) -> str:
        return str(_in_effect(row, "trade_fx"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        mine = obj is None or (isinstance(obj, models.Portfolio) and obj.owner_id == request.user.pk)
        return mine and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: models.Portfolio, form: Any, change: bool) -> None:
        obj.save(update_fields=OWNERS_CHOICES)


def _in_effect(row: Any, name: str) -> Any:
    """The setting as the ledger has it; for a portfolio without one, as it was made."""
    return (row.in_ledger or {}).get(name, getattr(row, name))


class WholeFormSet(BaseInlineFormSet):  # type: ignore[type-arg]
    """The weights of a benchmark sum to 1: said at the form, before the database refuses it. And each of its securities has a
    price, whoever is measured against it: one without would keep the next pack from being sealed."""

    def clean(self) -> None:
        super().clean()
        cleaned = [form.cleaned_data for form in self.forms if hasattr(form, "cleaned_data")]
        rows = [row for row in cleaned if row and not row.get("DELETE")]
        if any(self.errors):
            return
        if abs(sum((row["weight"] for row in rows), Decimal(0)) - 1) > WEIGHT_TOLERANCE:
            raise ValidationError("The weights of the components must sum to 1.")
        unpriced = _without_price([row["security"] for row in rows])
        if unpriced:
            raise ValidationError([f"{each}." for each in unpriced])


def _without_price(securities: list[Security]) -> list[str]:
    """Securities without a price under some policy. Which rates are needed depends on the portfolio: that is checked when it
    takes the benchmark."""
    absent = (
        each
        for policy in PricingPolicy.objects.order_by("code")
        for each in benchmarks.find_unpriced(policy=policy, securities=securities)
    )
    return list(dict.fromkeys(str(each) for each in absent if isinstance(each, MissingPrice)))


WEIGHT_TOLERANCE = Decimal("0.000000001")


class BenchmarkComponentInline(KeyedChoices, admin.TabularInline):  # type: ignore[type-arg]
    model = models.BenchmarkComponent
    formset = WholeFormSet
    autocomplete_fields = ("security",)
    fields = ("security", "weight")
    extra = 1


@admin.register(models.Benchmark)
class BenchmarkAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Staff define them. What was computed against an earlier definition stays as it was: a result says which one it had."""

    list_display = ("name", "rebalance", "made_of")
    list_filter = ("rebalance",)
    search_fields = ("name",)
    inlines = (BenchmarkComponentInline,)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[models.Benchmark]":
        rows: QuerySet[models.Benchmark] = super().get_queryset(request)
        return rows.prefetch_related("components__security")

    @admin.display(description="components")
    def made_of(self, row: models.Benchmark) -> str:
        return ", ".join(f"{trimmed(each.weight)} {each.security.symbol}" for each in row.components.all())


@admin.register(models.BenchmarkComponent)
class BenchmarkComponentAdmin(EvidenceAdmin):
    """Edited with its benchmark, so that the weights stay a whole."""

    list_display = ("benchmark", "security", "weight")
    list_filter = ("benchmark",)
    list_select_related = ("benchmark", "security")
    search_fields = ("benchmark__name", "security__symbol")


@admin.register(models.OneMonthRate)
class OneMonthRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("currency", "series")
    list_select_related = ("series",)


class OpenForm(forms.Form):
    """What staff say when they open a portfolio for themselves."""

    slug = forms.SlugField(max_length=64, help_text="Of the portfolio, as its address has it.")
    days = forms.IntegerField(
        min_value=1, max_value=models.PortfolioAccess.LONGEST_OF_STAFF.days, help_text="How long you need to look."
    )
    reason = forms.CharField(max_length=400, widget=forms.Textarea, help_text="The owner reads it.")


@admin.register(models.PortfolioAccess)
class PortfolioAccessAdmin(OfferedFilters):
    """Staff open a portfolio for themselves, for a reason and a time, which its owner sees. Each sees and ends their own."""

    list_display = ("portfolio", "user", "role", "granted_at", "until", "reason")
    list_select_related = ("portfolio", "user")
    search_fields = ("portfolio__slug", "user__username")
    date_hierarchy = "granted_at"
    fields = ("portfolio", "user", "role", "granted_by", "granted_at", "until", "reason")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Open a portfolio to oneself."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = OpenForm(request.POST) if request.method == "POST" else OpenForm()
        if form.is_valid():
            until = timezone.now() + timedelta(days=form.cleaned_data["days"])
            try:
                access.open_to_staff(form.cleaned_data["slug"], until=until, reason=form.cleaned_data["reason"])
            except access.AccessRefused as failure:
                form.add_error({"portfolio": "slug", "until": "days"}.get(failure.field, failure.field), failure.reason)
            else:
                messages.success(
                    request, f"{form.cleaned_data['slug']} is open to you until {until:%Y-%m-%d %H:%M} UTC"
                )
                return HttpResponseRedirect(reverse("admin:portfolio_portfolioaccess_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": "Open a portfolio",
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/portfolio/open.html", context)


@admin.register(models.LedgerRevision)
class LedgerRevisionAdmin(EvidenceAdmin):
    list_display = ("portfolio", "number", "status", "commit", "tree_hash", "read_at", "reason")
    list_display_links = ("number",)
    list_filter = ("status", "portfolio")
    list_select_related = ("portfolio",)
    search_fields = ("commit", "tree_hash")
    date_hierarchy = "read_at"


@admin.register(models.Transaction)
class TransactionAdmin(EvidenceAdmin):
    list_display = (
        "entry_id", "portfolio", "date", "kind", "security", "quantity", "unit_price", "amount", "currency",
        "introduced_in", "removed_in",
    )  # fmt: skip
    list_filter = ("portfolio", "kind", "currency")
    list_select_related = ("portfolio", "security")
    search_fields = ("entry_id", "note", "security__symbol")
    date_hierarchy = "date"


@admin.register(models.Lot)
class LotAdmin(EvidenceAdmin):
    list_display = (
        "id", "portfolio", "security", "acquired", "quantity", "unit_cost", "currency", "valid_from", "valid_to",
        "introduced_in", "removed_in",
    )  # fmt: skip
    list_filter = ("portfolio", "security")
    list_select_related = ("portfolio", "security")
    search_fields = ("security__symbol", "account")
    date_hierarchy = "valid_from"


@admin.register(models.MatchedLot)
class MatchedLotAdmin(EvidenceAdmin):
    list_display = (
        "id", "portfolio", "date", "kind", "security", "acquired", "quantity", "cost", "proceeds", "currency",
        "introduced_in", "removed_in",
    )  # fmt: skip
    list_filter = ("portfolio", "security", "kind")
    list_select_related = ("portfolio", "security")
    search_fields = ("security__symbol", "account", "entry_id", "opened_by")
    date_hierarchy = "date"


@admin.register(models.DailyValue)
class DailyValueAdmin(EvidenceAdmin):
    list_display = (
        "date", "portfolio", "value", "cash", "inflow", "outflow", "receivable", "revision_number", "pack_id",
    )  # fmt: skip
    list_filter = ("portfolio",)
    list_select_related = ("portfolio", "revision")
    search_fields = ("pack__id",)
    date_hierarchy = "date"
    ordering = ("-date", "portfolio", "id")

    @admin.display(description="revision")
    def revision_number(self, row: models.DailyValue) -> int:
        return row.revision.number


@admin.register(models.EconomicPhase)
class EconomicPhaseAdmin(EvidenceAdmin):
    list_display = ("id", "pack_id", "subject", "name", "score", "margin", "reason", "method")
    list_filter = ("subject", "method")
    search_fields = ("pack__id",)


class BreakInline(EvidenceInline):
    model = models.Break
    fields = ("kind", "account", "commodity", "ledger_value", "database_value", "difference", "error_bp", "detail")


@admin.register(models.Reconciliation)
class ReconciliationAdmin(EvidenceAdmin):
    list_display = ("id", "portfolio", "pack_id", "status", "break_count", "compared", "error_bp", "made_at")
    list_filter = ("status", "portfolio")
    list_select_related = ("portfolio",)
    search_fields = ("pack__id", "run")
    date_hierarchy = "made_at"
    inlines = (BreakInline,)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[models.Reconciliation]":
        rows: QuerySet[models.Reconciliation] = super().get_queryset(request)
        return rows.annotate(broken=Count("breaks"))

    @admin.display(description="breaks", ordering="broken")
    def break_count(self, row: Any) -> int:
        return int(row.broken)


@admin.register(models.Break)
class BreakAdmin(EvidenceAdmin):
    list_display = (
        "id", "portfolio", "pack_id", "kind", "account", "commodity", "ledger_value", "database_value", "difference",
        "error_bp",
    )  # fmt: skip
    list_filter = ("kind", "portfolio")
    list_select_related = ("portfolio", "reconciliation")
    search_fields = ("account", "commodity", "reconciliation__pack__id")

    @admin.display(description="pack")
    def pack_id(self, row: models.Break) -> str:
        return row.reconciliation.pack_id
