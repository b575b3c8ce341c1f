"""Two nights of the good portfolio, alone or with others beside it."""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.utils import timezone

from config.errors import TieoutError
from execution import executor
from execution.models import NightlyRun
from execution.night import nightly
from execution.operations import intake
from execution.patterns import publishing
from portfolio.books import reconciliation, writer
from portfolio.ledger.repository import LedgerRepository, LedgerUnavailable
from portfolio.models import Benchmark, BenchmarkComponent, Portfolio
from portfolio.valuation import Valuer
from pricing.models import PricingPack, PricingPolicy, RiskFreeRate, Security
from tests.isolation.defects import Defective
from tests.isolation.ledgers import FIRST, GOOD_LEDGER, LAST, MIDDLE, market

GOOD = UUID("a0000000-0000-4000-8000-000000000001")

VERBS = {
    "history": (Valuer, "history"),
    "compare": (reconciliation, "compare"),
    "sync": (writer, "sync"),
    "statement": (writer, "read_statement"),
}
UNFORESEEN = (IndexError, KeyError, ZeroDivisionError, RecursionError, ValueError, AssertionError, LedgerUnavailable)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the good portfolio's owner got, and what the packs hold."""

    results: Mapping[str, str]
    packs: tuple[tuple[str, str, str], ...]


def begin(folder: Path) -> None:
    """The market, and the good portfolio. As role job."""
    for name in ("anna", "ben"):
        get_user_model().objects.create_user(name)
    for document in publishing.read_library().values():
        publishing.publish(document)
    call_command("load_market_data", str(market(folder / "market")), stdout=io.StringIO())
    for currency in ("CAD", "USD"):
        RiskFreeRate.objects.create(base_currency=currency, series_id="Y10", series_currency="USD")
    push("good", GOOD_LEDGER, owner="anna", portfolio_id=GOOD)


def policy() -> PricingPolicy:
    return PricingPolicy.objects.get(pk="ECB_EUR")


def night(first: date, last: date) -> NightlyRun:
    return nightly.run(policy=policy(), from_date=first, date=last)


def push(
    slug: str, text: str | bytes | None, *, owner: str = "ben", portfolio_id: UUID | None = None, **how: Any
) -> None:
    """A folder as git would bring it, past our own doors, which refuse much of this; None takes it away."""
    if owner:
        Portfolio.objects.get_or_create(
            slug=slug,
            defaults={
                "name": slug, "owner": get_user_model().objects.get(username=owner), "base_currency": "CAD", "policy": policy(),
                **({"id": portfolio_id} if portfolio_id else {}), **how,
            },
        )  # fmt: skip
    files = {} if text is None else {"main.beancount": text if isinstance(text, bytes) else text.encode()}
    repository = LedgerRepository.open_or_create(settings.LEDGER_PATH)
    repository.commit(
        slug, files, message="pushed", author="somebody", at=timezone.now(), expected_head=repository.head()
    )


def enter(folder: Path, slug: str, text: str | bytes, defective: Defective) -> None:
    """By our own door where it lets it in, which it does with most; else by a push."""
    content = text if isinstance(text, bytes) else text.encode()
    path = folder / slug
    path.mkdir(parents=True, exist_ok=True)
    (path / "main.beancount").write_bytes(content)
    try:
        intake.import_ledger(path, owner="ben", settings=defective.settings)
    except TieoutError:
        push(slug, content, base_currency=defective.base, **defective.settings)


def nights(folder: Path, portfolios: Mapping[str, Defective]) -> Seen:
    """Both nights, with the defective portfolios beside the good one; what its owner then sees."""
    with broken({slug: each.breaks for slug, each in portfolios.items() if each.breaks}):
        for slug, each in portfolios.items():
            if each.is_stranger:
                push(slug, each.before, owner="")
            elif each.before is None and each.between is None:
                Portfolio.objects.create(
                    slug=slug, name=slug, owner=get_user_model().objects.get(username="ben"), base_currency="CAD", policy=policy()
                )  # fmt: skip
            elif each.before is not None:
                push(slug, each.before, base_currency=each.base, **each.settings)
        measured = [slug for slug, each in portfolios.items() if each.benchmark]
        if measured:
            Portfolio.objects.filter(slug__in=measured).update(benchmark=_benchmark())
        assert night(FIRST, MIDDLE).state == "done"
        for slug, each in portfolios.items():
            if each.is_removed:
                push(slug, None)
            elif each.between is not None:
                enter(folder, slug, each.between, each)
        assert night(MIDDLE + timedelta(days=1), LAST).state == "done"
        health = Client().get("/health/pack")
    assert (health.status_code, health.json()["status"], health.json()["is_fresh"]) == (200, "fresh", True)
    assert not any(slug in health.content.decode() for slug in portfolios)
    rows = PricingPack.objects.order_by("sequence")
    assert {pack.status for pack in rows} == {"fresh"}
    return Seen(answers("anna", GOOD), tuple(rows.values_list("pk", "content__content_hash", "chain_hash")))


def answers(username: str, portfolio_id: UUID) -> dict[str, str]:
    """Pattern and date -> result hash."""
    user = get_user_model().objects.get(username=username)
    found = {}
    for name, inputs in (
        ("portfolio_overview", {}),
        ("money_bridge", {}),
        ("holding_deep_dive", {"security_id": Security.objects.get(symbol="OAK").pk}),
    ):
        for day in (MIDDLE, LAST):
            request = executor.Request(name, inputs, portfolio_id=portfolio_id, asof_date=day)
            found[f"{name} {day}"] = str(executor.execute(request, user=user).metadata["result_hash"])
    return found


@transaction.atomic
def _benchmark() -> Benchmark:
    made, is_new = Benchmark.objects.get_or_create(name="Without a price", defaults={"rebalance": "daily"})
    if is_new:
        BenchmarkComponent.objects.create(benchmark=made, security=Security.objects.get(symbol="FIG"), weight=1)
    return made


@contextmanager
def broken(slugs: Mapping[str, str]) -> Iterator[None]:
    """Let what these portfolios name break on them in ways that nobody foresaw."""
    kind_of = {slug: UNFORESEEN[number % len(UNFORESEEN)] for number, slug in enumerate(slugs)}

    def breaking(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def verb(*arguments: Any, **how: Any) -> object:
            if name == "history":  # of a book
                slug = Portfolio.objects.get(pk=arguments[1].portfolio_id).slug
            else:
                slug = how["portfolio"].slug
            if slugs.get(slug) == name:
                raise kind_of[slug]("nobody foresaw it")
            return real(*arguments, **how)

        return verb

    patches = [mock.patch.object(of, verb, breaking(name, getattr(of, verb))) for name, (of, verb) in VERBS.items()]
    if not slugs:
        patches = []
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()
