"""Files of transactions: previewed, imported, listed, undone. Only the owner of a portfolio writes."""

from collections.abc import Mapping
from typing import Any, ClassVar, cast
from uuid import UUID

from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from config.models import TokenScope
from config.strict_json import pointer_to
from execution.executor import RequestInvalid
from execution.operations import intake
from execution.web import limits
from execution.web.api.door import Door
from execution.web.api.portfolios import find_visible, require_owned
from execution.web.api.query import read_form, repeated_fields
from portfolio.books import imports
from portfolio.ledger.importing.formats import FORMATS
from portfolio.ledger.importing.rows import MAX_BYTES

BODY_MARGIN = 64 * 1024
"""Bytes of a multipart body beside the file: boundaries, names, the other fields."""

FINDING = inline_serializer(
    "ImportFinding",
    {
        "row": serializers.IntegerField(
            help_text="Line of the file, or number of the activity in JSON; 0: the file as a whole."
        ),
        "column": serializers.CharField(),
        "value": serializers.CharField(),
        "reason": serializers.CharField(),
        "suggestion": serializers.CharField(),
        "text": serializers.CharField(help_text="The finding in one line."),
    },
    many=True,
)
IMPORT_FIELDS: dict[str, Any] = {
    "status": serializers.CharField(help_text="preflight, imported or unchanged."),
    "message": serializers.CharField(help_text="What the import did, or would do; also that a revision is broken."),
    "portfolio": serializers.CharField(),
    "file": serializers.CharField(),
    "format": serializers.CharField(),
    "sha256": serializers.CharField(),
    "added": serializers.IntegerField(help_text="Transactions that are new to the ledger."),
    "known": serializers.IntegerField(help_text="Transactions that the ledger has already; they are skipped."),
    "ignored": serializers.ListField(child=serializers.CharField(), help_text="Columns and parts that are not read."),
    "findings": FINDING,
    "warnings": serializers.ListField(
        child=serializers.CharField(), help_text="In words, what to know before a file that can be imported is."
    ),
    "lacks": serializers.ListField(
        child=serializers.CharField(), help_text="Prices and rates that no pack has, by name and date."
    ),
    "notes": serializers.ListField(
        child=serializers.CharField(),
        help_text="Where a row is read otherwise than it is written, or a balance of the file differs.",
    ),
    "shortfalls": inline_serializer(
        "ImportShortfall",
        {
            "account": serializers.CharField(),
            "name": serializers.CharField(help_text="The account's name in the file."),
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
        help_text="Account names of the file -> accounts of the ledger, where the two differ.",
    ),
    "import_id": serializers.CharField(allow_null=True),
    "revision": serializers.IntegerField(allow_null=True),
    "commit": serializers.CharField(allow_null=True),
    "revision_status": serializers.CharField(
        allow_null=True, help_text="reconciled; read, where there is no pack yet; broken: the breaks say why."
    ),
    "breaks": serializers.ListField(
        child=serializers.CharField(), help_text="Where ledger and database differ, or would differ."
    ),
}
STORED_IMPORT_FIELDS: dict[str, Any] = {
    "import_id": serializers.CharField(),
    "file": serializers.CharField(),
    "format": serializers.CharField(),
    "sha256": serializers.CharField(),
    "rows": serializers.IntegerField(),
}


class ImportForm(serializers.Serializer[Any]):
    file = serializers.FileField(allow_empty_file=True, help_text=f"At most {MAX_BYTES} bytes.")
    format = serializers.ChoiceField(
        list(FORMATS), required=False, help_text="Without it, the content of the file decides."
    )
    preflight = serializers.BooleanField(
        required=False, default=False, help_text="Report what would be added and what is wrong; write nothing."
    )
    infer_deposits = serializers.BooleanField(
        required=False, default=False, help_text="Where cash would be below zero, assume a deposit."
    )
    margin = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        default=list,
        help_text="Accounts whose cash may be below zero, one in each field of this name.",
    )
    confirm_transfers = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Securities that leave one account and arrive at another within ten days were transferred.",
    )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Imports(Door):
    """The imports of a portfolio. A new one is a commit of its ledger: all of the file, or nothing."""

    parser_classes = (MultiPartParser,)
    token_scopes: ClassVar = {"POST": TokenScope.IMPORT}

    @extend_schema(
        operation_id="imports",
        summary="The imports that the ledger of a portfolio includes",
        responses={
            200: inline_serializer(
                "Imports", {"imports": inline_serializer("Import", dict(STORED_IMPORT_FIELDS), many=True)}
            ),
        },
    )
    def get(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = find_visible(portfolio_id)
        return Response({"imports": [_as_dict(each) for each in imports.stored_imports(portfolio=portfolio)]})

    @extend_schema(
        operation_id="import",
        summary="Preview or import a file of transactions",
        request={"multipart/form-data": ImportForm},
        responses={
            200: inline_serializer("ImportDone", dict(IMPORT_FIELDS)),
            201: inline_serializer("ImportNew", dict(IMPORT_FIELDS)),
        },
    )
    def post(self, request: Request, portfolio_id: UUID) -> Response:
        with transaction.atomic():
            portfolio = require_owned(portfolio_id, request)
        form = _read_form(request)
        uploaded, now = form["file"], timezone.now()
        content = uploaded.read(MAX_BYTES + 1)
        choices = imports.Choices(form["infer_deposits"], tuple(form["margin"]), form["confirm_transfers"])
        if form["preflight"]:
            with limits.importing(request.user), transaction.atomic():
                preview = imports.preview(
                    portfolio=portfolio,
                    name=uploaded.name,
                    content=content,
                    today=now.date(),
                    code=form.get("format"),
                    choices=choices,
                )
            return Response(intake.as_dict(portfolio, preview))
        with limits.importing(request.user):
            imported = imports.commit(
                portfolio=portfolio,
                name=uploaded.name,
                content=content,
                author=request.user.get_username(),
                at=now,
                code=form.get("format"),
                choices=choices,
            )
        return Response(
            intake.as_dict(portfolio, imported.preview, imported), status=201 if imported.import_id else 200
        )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Import(Door):
    """One import, to be undone: the ledger is then, byte for byte, as if it had never come."""

    token_scopes: ClassVar = {"DELETE": TokenScope.IMPORT}

    @extend_schema(
        operation_id="undo_import",
        summary="Undo an import",
        parameters=[OpenApiParameter("import_id", str, OpenApiParameter.PATH)],
        responses={200: inline_serializer("ImportUndone", dict(STORED_IMPORT_FIELDS))},
    )
    def delete(self, request: Request, portfolio_id: UUID, import_id: str) -> Response:
        with transaction.atomic():
            portfolio = require_owned(portfolio_id, request)
        with limits.importing(request.user):
            undone = imports.undo(
                portfolio=portfolio, author=request.user.get_username(), at=timezone.now(), import_id=import_id
            )
        return Response(_as_dict(undone))


def _read_form(request: Request) -> Mapping[str, Any]:
    """The fields of the form. Raises imports.ImportTooLarge; RequestInvalid with every field that is wrong or unknown."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if length.isdigit() and int(length) > MAX_BYTES + BODY_MARGIN:
        raise imports.ImportTooLarge(int(length))
    form = ImportForm(data=request.data)
    fields = cast("QueryDict", request.data)
    wrong = repeated_fields(fields, lists={"margin"})
    # A form takes a blank field for one that was not sent: `preflight=` would import.
    wrong += [{"pointer": pointer_to(name), "reason": "is blank"} for name, values in fields.lists() if "" in values]
    if wrong:
        raise RequestInvalid(wrong)
    return read_form(form, request.data)


def _as_dict(stored_import: imports.StoredImport) -> dict[str, Any]:
    return {
        "import_id": stored_import.import_id,
        "file": stored_import.name,
        "format": stored_import.format,
        "sha256": stored_import.sha256,
        "rows": stored_import.rows,
    }
