"""POST /v1/compare: two executions, or one question under two packs or two ledger commits, and what moved each figure."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.decorators import method_decorator
from drf_spectacular.utils import OpenApiExample, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.models import TokenScope
from execution import comparison, executor
from execution.executor import RequestInvalid
from execution.web import limits
from execution.web.api import body, execute_request
from execution.web.api.door import Door
from execution.web.api.executions import caller_of
from execution.web.api.fields import IS_COMMIT, JsonInteger, Text, UuidText
from execution.web.api.query import DEFAULT_ROWS, MAX_OFFSET, MAX_ROWS, page_of, read_form
from execution.web.api.schema import refusals

ANSWER = inline_serializer(
    "Comparison",
    {
        "before": serializers.DictField(
            help_text="Execution, pack, ledger commit, engine and result hash; `after` likewise."
        ),
        "after": serializers.DictField(),
        "same": serializers.BooleanField(),
        "moved": serializers.ListField(
            child=serializers.DictField(),
            help_text="What the two were computed from differently: pack_row, pack, transaction, setting, input, pattern, engine.",
        ),
        "count": serializers.IntegerField(help_text="Differences on all pages."),
        "offset": serializers.IntegerField(),
        "differences": serializers.ListField(child=serializers.DictField(), help_text="path, before, after, moved_by."),
        "withheld": serializers.ListField(child=serializers.CharField()),
        "attributions": serializers.ListField(child=serializers.CharField()),
    },
)
EXAMPLE = OpenApiExample(
    "Two executions",
    request_only=True,
    value={"before": "59a11598-065d-4043-b959-c203497745a7", "after": "0d413ced-4d7a-40fc-9d6b-54476385f974"},
)
UNDER: Mapping[str, str] = {"pricing_pack_ids": "pricing_pack_id", "ledger_commits": "ledger_commit"}
"""What one question may be asked under twice, and the field of the question that it fills."""


class CompareRequest(serializers.Serializer[Any]):
    """`before` and `after`; or a `question` with two `pricing_pack_ids` or two `ledger_commits`."""

    offset = JsonInteger(min_value=0, max_value=MAX_OFFSET, default=0)
    limit = JsonInteger(min_value=1, max_value=MAX_ROWS, default=DEFAULT_ROWS)
    before = UuidText(required=False)
    after = UuidText(required=False)
    question = serializers.DictField(required=False, help_text="As POST /v1/execute takes it.")
    pricing_pack_ids = serializers.ListField(child=Text(max_length=48), min_length=2, max_length=2, required=False)
    ledger_commits = serializers.ListField(
        child=Text(validators=[IS_COMMIT]), min_length=2, max_length=2, required=False
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        names = attrs.keys() & {"before", "after", "question", *UNDER}
        if names == {"before", "after"} or (len(names) == 2 and "question" in names and names & UNDER.keys()):
            return attrs
        raise serializers.ValidationError(
            {"before": "give before and after, or a question with pricing_pack_ids or ledger_commits"}
        )


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class Compare(Door):
    """Every figure in which two answers to one question differ, with both values and what moved it."""

    token_scopes: ClassVar = {"POST": TokenScope.EXECUTE}

    @extend_schema(
        operation_id="compare",
        summary="What differs between two executions, and what moved it",
        request=CompareRequest,
        responses={200: ANSWER, **refusals(400, 401, 403, 404, 409, 410, 413, 415, 429, 500, 503)},
        examples=[EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        query = _read(body.read_object(body.read_bytes(request)))
        user = caller_of(request)
        before, after = _executions(query, user)
        with limits.replaying(user):
            compared = comparison.compare(before, after, user=user)
        return Response(comparison.as_dict(compared, page_of(query)), headers={"Cache-Control": "private, no-cache"})


def _read(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises RequestInvalid with everything that is wrong."""
    return read_form(CompareRequest(data=document), document)


def _executions(query: Mapping[str, Any], user: User) -> tuple[UUID, UUID]:
    """The two executions; a question is asked under both, and both answers are stored."""
    if "question" not in query:
        return query["before"], query["after"]
    (under,) = query.keys() & UNDER.keys()
    with _within_question():
        question = execute_request.parse(dict(query["question"]))
    if getattr(question, UNDER[under]) is not None:
        raise RequestInvalid([{"pointer": f"/question/{UNDER[under]}", "reason": f"is given by /{under}"}])
    with _within_question():
        before, after = (
            executor.execute(
                replace(question, **{UNDER[under]: each}), user=user, admit=partial(limits.executing, user)
            ).execution_id
            for each in query[under]
        )
    return before, after


@contextmanager
def _within_question() -> Iterator[None]:
    """What is wrong with the question is told by its place in this request."""
    try:
        yield
    except RequestInvalid as wrong:
        findings = [{**each, "pointer": "/question" + each["pointer"]} for each in wrong.findings]
        raise RequestInvalid(findings, wrong.possible) from wrong
