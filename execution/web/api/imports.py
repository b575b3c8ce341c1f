"""Files of transactions through the street door: previewed, taken in, listed, undone. Only an owner writes."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from execution.executor.errors import NotAllowed, PortfolioNotFound, RequestInvalid
from execution.operations import intake
from execution.web.api import PROBLEM
from portfolio.books import imports
from portfolio.ledger.importing.formats import FORMATS
from portfolio.ledger.importing.rows import MAX_BYTES
from portfolio.models import Portfolio

BODY_MARGIN = 64 * 1024
"""What a multipart body holds beside the file: boundaries, names, the other fields."""

REFUSALS = {(status, "application/problem+json"): PROBLEM for status in (400, 401, 403, 404, 413, 415, 503)}
FINDING = inline_serializer(
    "ImportFinding",
    {
        "row": serializers.IntegerField(help_text="Line of the file, or number of the activity in JSON; 0: the file."),
        "column": serializers.CharField(),
        "value": serializers.CharField(),
        "reason": serializers.CharField(),
        "suggestion": serializers.CharField(),
        "text": serializers.CharField(help_text="All of it in one line."),
    },
    many=True,
)
TOLD: dict[str, Any] = {
    "status": serializers.CharField(help_text="preflight, imported or unchanged."),
    "message": serializers.CharField(help_text="What came of it, or would: also that a revision is broken."),
    "portfolio": serializers.CharField(),
    "file": serializers.CharField(),
    "format": serializers.CharField(),
    "sha256": serializers.CharField(),
    "added": serializers.IntegerField(help_text="Transactions that are new to the ledger."),
    "known": serializers.IntegerField(help_text="Transactions that it has already; they are passed over."),
    "ignored": serializers.ListField(child=serializers.CharField(), help_text="Columns and parts that are not read."),
    "findings": FINDING,
    "warnings": serializers.ListField(
        child=serializers.CharField(), help_text="All that is to be said of a file that can be taken, in words."
    ),
    "lacks": serializers.ListField(
        child=serializers.CharField(), help_text="Prices and rates that no pack has, by name and day."
    ),
    "notes": serializers.ListField(
        child=serializers.CharField(),
        help_text="What is taken otherwise than a row says, or differs from the file's balances.",
    ),
    "shortfalls": inline_serializer(
        "ImportShortfall",
        {
            "account": serializers.CharField(),
            "name": serializers.CharField(help_text="As the file or people call the account."),
            "currency": serializers.CharField(),
            "balance": serializers.CharField(help_text="After the last entry."),
            "lowest": serializers.CharField(),
            "lowest_on": serializers.DateField(),
            "text": serializers.CharField(),
        },
        many=True,
    ),
    "unconfirmed_transfers": inline_serializer(
        "ImportTransfer", {"out_row": serializers.IntegerField(), "in_row": serializers.IntegerField()}, many=True
    ),
    "accounts": serializers.DictField(
        child=serializers.CharField(),
        help_text="Names of the file -> accounts of the ledger, where these are written otherwise.",
    ),
    "import_id": serializers.CharField(allow_null=True),
    "revision": serializers.IntegerField(allow_null=True),
    "commit": serializers.CharField(allow_null=True),
    "revision_status": serializers.CharField(
        allow_null=True, help_text="reconciled; read before the first pack; broken, with its breaks."
    ),
    "breaks": serializers.ListField(
        child=serializers.CharField(), help_text="Where ledger and database differ, or would."
    ),
}
KEPT: dict[str, Any] = {
    "import_id": serializers.CharField(),
    "file": serializers.CharField(),
    "format": serializers.CharField(),
    "sha256": serializers.CharField(),
    "rows": serializers.IntegerField(),
}


class ImportAsked(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, help_text=f"At most {MAX_BYTES} bytes.")
    format = serializers.ChoiceField(list(FORMATS), required=False, help_text="Without it, by the look of the file.")
    preflight = serializers.BooleanField(
        required=False, default=False, help_text="Say what would be added and what is wrong; write nothing."
    )
    infer_deposits = serializers.BooleanField(
        required=False, default=False, help_text="Where cash would be below zero, take it that money was deposited."
    )
    margin = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        default=list,
        help_text="Accounts whose cash may be below zero, each a field of its own.",
    )
    confirm_transfers = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Securities that leave one account and come to another within ten days are one move.",
    )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Imports(APIView):
    """The imports of a portfolio. A new one is a commit of its ledger: all of the file, or nothing."""

    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="imports",
        responses={
            200: inline_serializer("Imports", {"imports": inline_serializer("Import", dict(KEPT), many=True)}),
            **REFUSALS,
        },
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = _visible(portfolio_id)
        return Response({"imports": [_told(each) for each in imports.kept(portfolio=portfolio)]})

    @extend_schema(
        operation_id="import",
        request={"multipart/form-data": ImportAsked},
        responses={
            200: inline_serializer("ImportDone", dict(TOLD)),
            201: inline_serializer("ImportNew", dict(TOLD)),
            **REFUSALS,
        },
    )
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = own(portfolio_id, request)
        asked = _asked(request)
        uploaded, now = asked["file"], timezone.now()
        content = uploaded.read(MAX_BYTES + 1)
        choices = imports.Choices(asked["infer_deposits"], tuple(asked["margin"]), asked["confirm_transfers"])
        if asked["preflight"]:
            with transaction.atomic():
                found = imports.preview(
                    portfolio=portfolio,
                    name=uploaded.name,
                    content=content,
                    today=now.date(),
                    code=asked.get("format"),
                    choices=choices,
                )
            return Response(intake.described(portfolio, found))
        done = imports.commit(
            portfolio=portfolio,
            name=uploaded.name,
            content=content,
            author=request.user.get_username(),
            at=now,
            code=asked.get("format"),
            choices=choices,
        )
        told = intake.described(portfolio, done.preview, done)
        return Response(told, status=201 if done.import_id else 200)


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Import(APIView):
    """One import, to be undone: the ledger is then, byte for byte, as if it had never come."""

    @extend_schema(
        operation_id="undo_import",
        parameters=[OpenApiParameter("import_id", str, OpenApiParameter.PATH)],
        responses={200: inline_serializer("ImportUndone", dict(KEPT)), **REFUSALS},
    )
    def delete(self, request: Request, portfolio_id: UUID, import_id: str) -> Response:
        with transaction.atomic():
            portfolio = own(portfolio_id, request)
        gone = imports.undo(
            portfolio=portfolio, author=request.user.get_username(), at=timezone.now(), import_id=import_id
        )
        return Response(_told(gone))


def own(portfolio_id: UUID, request: Request) -> Portfolio:
    """Raises PortfolioNotFound where the caller may not see it, NotAllowed where he may only read it."""
    portfolio = _visible(portfolio_id)
    if portfolio.owner_id != request.user.pk:
        raise NotAllowed("only the owner of a portfolio writes to its ledger")
    return portfolio


def _visible(portfolio_id: UUID) -> Portfolio:
    portfolio = Portfolio.objects.filter(pk=portfolio_id).first()
    if portfolio is None:
        raise PortfolioNotFound
    return portfolio


def _asked(request: Request) -> Mapping[str, Any]:
    """The form, checked; every field that is wrong or unknown at once. Raises RequestInvalid, imports.ImportTooLarge."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdigit() and int(length) > MAX_BYTES + BODY_MARGIN:
        raise imports.ImportTooLarge(int(length))
    asked = ImportAsked(data=request.data)
    wrong = [
        {"pointer": f"/{name}", "reason": "is not a field here"} for name in request.data if name not in asked.fields
    ]
    if not asked.is_valid():
        wrong += [
            {"pointer": f"/{name}", "reason": str(reason)}
            for name, reasons in asked.errors.items()
            for reason in reasons
        ]
    if wrong:
        raise RequestInvalid(wrong)
    return dict(asked.validated_data)


def _told(kept: imports.KeptImport) -> dict[str, Any]:
    return {
        "import_id": kept.import_id,
        "file": kept.name,
        "format": kept.format,
        "sha256": kept.sha256,
        "rows": kept.rows,
    }
