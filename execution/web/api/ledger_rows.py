"""What the ledger of a portfolio says: its transactions, and the lots that they leave open."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from compliance import rights
from config.decimals import plain
from execution.executor import ledger_revisions
from execution.web.api.door import Door
from execution.web.api.fields import IS_COMMIT, IsoDate, Text
from execution.web.api.portfolios import REVISION, find_visible, revision_as_dict
from execution.web.api.query import Page, PageOfSpan, page_of
from portfolio import books
from portfolio.books.value_sources import LEDGER
from portfolio.models import LedgerRevision, Lot, Portfolio, Transaction

TRANSACTION_COLUMNS: Final[Mapping[str, str]] = {
    "entry_id": "entry_id", "date": "date", "kind": "kind", "symbol": "security__symbol", "account": "account",
    "quantity": "quantity", "unit_price": "unit_price", "amount": "amount", "currency": "currency", "fee": "fee",
    "fee_kind": "fee_kind", "tax": "tax", "counter_amount": "counter_amount", "counter_currency": "counter_currency",
    "fx_to_base": "fx_to_base", "ratio": "ratio", "acquired": "acquired", "to_symbol": "to_security__symbol",
    "to_account": "to_account", "cost_share": "cost_share", "settle_date": "settle_date", "ex_date": "ex_date",
    "pay_date": "pay_date", "per_share": "per_share", "inferred": "inferred", "note": "note",
}  # fmt: skip
LOT_COLUMNS: Final[Mapping[str, str]] = {
    "symbol": "security__symbol", "account": "account", "acquired": "acquired", "quantity": "quantity",
    "unit_cost": "unit_cost", "cost": "cost", "currency": "currency", "fx_to_base": "fx_to_base",
    "valid_from": "valid_from", "opened_by": "opened_by",
}  # fmt: skip
"""Name in the answer -> field of the model."""
NUMBERS: Final = {
    "quantity", "unit_price", "amount", "fee", "tax", "counter_amount", "fx_to_base", "ratio", "cost_share",
    "per_share", "unit_cost", "cost",
}  # fmt: skip
DATES: Final = {"date", "acquired", "settle_date", "ex_date", "pay_date", "valid_from"}


class OfRevision(Page):
    ledger_commit = Text(
        required=False,
        validators=[IS_COMMIT],
        help_text="The ledger as it was then; without it, the newest reconciled revision.",
    )
    symbol = Text(required=False, max_length=32)


class TransactionQuery(OfRevision, PageOfSpan):
    kind = Text(required=False, max_length=24, help_text="buy, sell, dividend, …")


class LotQuery(OfRevision):
    asof_date = IsoDate(required=False, help_text="Open at its close; without it, after all entries.")


def _rows_of(name: str, columns: Iterable[str]) -> serializers.Serializer[Any]:
    fields: dict[str, serializers.Field[Any, Any, Any, Any]] = {}
    for column in columns:
        if column in NUMBERS:
            fields[column] = serializers.CharField(allow_null=True, help_text="A decimal; null where there is none.")
        elif column in DATES:
            fields[column] = serializers.DateField(allow_null=column not in ("date", "valid_from"))
        elif column == "inferred":
            fields[column] = serializers.BooleanField(help_text="A deposit that no entry tells.")
        else:
            fields[column] = serializers.CharField(allow_null=column in ("symbol", "to_symbol"))
    return inline_serializer(name, fields, many=True)


def _answer(name: str, rows: str, columns: Iterable[str]) -> serializers.Serializer[Any]:
    return inline_serializer(
        name,
        {
            "portfolio_id": serializers.UUIDField(),
            "revision": REVISION,
            "count": serializers.IntegerField(help_text="Rows on all pages."),
            "offset": serializers.IntegerField(),
            rows: _rows_of(f"{name}Row", columns),
            "withheld": serializers.BooleanField(help_text="The terms of the ledger's source keep all numbers back."),
        },
    )


class Transactions(Door):
    query_forms: ClassVar = {"GET": TransactionQuery}

    @extend_schema(
        operation_id="transactions",
        summary="What happened in a portfolio, by its ledger, oldest first",
        parameters=[TransactionQuery, OpenApiParameter("portfolio_id", UUID, OpenApiParameter.PATH)],
        responses={200: _answer("Transactions", "transactions", TRANSACTION_COLUMNS)},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = find_visible(portfolio_id)
        revision = _choose_revision(portfolio, self.query)
        rows = _of_revision(Transaction.objects.all(), revision)
        for name, condition in (
            ("first", "date__gte"), ("last", "date__lte"), ("kind", "kind"), ("symbol", "security__symbol"),
        ):  # fmt: skip
            if name in self.query:
                rows = rows.filter(**{condition: self.query[name]})
        in_order = rows.order_by("date", "ordinal", "id")
        return _respond(portfolio, revision, "transactions", in_order, TRANSACTION_COLUMNS, self.query)


class Lots(Door):
    query_forms: ClassVar = {"GET": LotQuery}

    @extend_schema(
        operation_id="lots",
        summary="The lots that are open in a portfolio, by its ledger",
        parameters=[LotQuery, OpenApiParameter("portfolio_id", UUID, OpenApiParameter.PATH)],
        responses={200: _answer("Lots", "lots", LOT_COLUMNS)},
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        portfolio = find_visible(portfolio_id)
        revision = _choose_revision(portfolio, self.query)
        rows = _of_revision(Lot.objects.all(), revision).filter(_open_at(self.query.get("asof_date")))
        if "symbol" in self.query:
            rows = rows.filter(security__symbol=self.query["symbol"])
        in_order = rows.order_by("security__symbol", "account", "acquired", "id")
        return _respond(portfolio, revision, "lots", in_order, LOT_COLUMNS, self.query)


def _choose_revision(portfolio: Portfolio, query: Mapping[str, Any]) -> LedgerRevision | None:
    """Raises CommitNotFound."""
    commit = query.get("ledger_commit")
    return ledger_revisions.revision_at(portfolio, commit) if commit else books.newest_reconciled(portfolio)


def _of_revision(rows: QuerySet[Any, Any], revision: LedgerRevision | None) -> QuerySet[Any, Any]:
    return books.rows_of_revisions(rows, [revision] if revision else [])


def _open_at(asof_date: date | None) -> Q:
    if asof_date is None:
        return Q(valid_to=None)
    return Q(valid_from__lte=asof_date) & (Q(valid_to=None) | Q(valid_to__gt=asof_date))


def _respond(
    portfolio: Portfolio,
    revision: LedgerRevision | None,
    name: str,
    rows: QuerySet[Any, Any],
    columns: Mapping[str, str],
    query: Mapping[str, Any],
) -> Response:
    withheld = bool(rights.decide_outputs({LEDGER: (LEDGER,)}).withheld)
    page = [dict(zip(columns, row, strict=True)) for row in rows.values_list(*columns.values())[page_of(query)]]
    for row in page:
        for column in NUMBERS & row.keys():
            row[column] = None if withheld else plain(row[column])
    return Response(
        {
            "portfolio_id": portfolio.pk,
            "revision": revision_as_dict(revision),
            "count": rows.count(),
            "offset": query["offset"],
            name: page,
            "withheld": withheld,
        }
    )
