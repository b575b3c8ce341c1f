"""One conversation with a provider: what it was asked, what it answered, what failed; and the rows that come of it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce
from itertools import groupby
from typing import TypeVar

from django.db.models import Q

from config.breaker import BreakerOpen
from config.decimals import trimmed
from pricing import fx
from pricing.archive import folder
from pricing.archive.contents import ArchiveReading
from pricing.models import Security, SecurityAlias, SymbolOverride
from pricing.providers import http
from pricing.providers.fields import Answer, UnusableRow
from pricing.providers.http import Client
from pricing.providers.rows import Dividend, Split
from pricing.quality import symbols

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Failed:
    """A question without an answer: of which security or series, and why."""

    key: str
    what: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what} of {self.key}: {self.reason}"


@dataclass(slots=True)
class Fetched:
    """What came of it.

    counts      by file of the folder
    missing     figures that the source itself calls missing
    copyrights  series that are new here → the tag that says whose they are
    """

    provider: str
    first: date
    last: date
    counts: dict[str, folder.RowCounts] = field(default_factory=dict)
    missing: int = 0
    copyrights: dict[str, str] = field(default_factory=dict)
    refused: list[UnusableRow] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    archive_end: date | None = None


class Conversation:
    """The questions to a provider so far, the rows of its answers, and what failed.

    questions, answers  how many
    stopped             why the provider is not asked again; empty while it is
    """

    def __init__(self, client: Client, reading: ArchiveReading, outcome: Fetched, only: Sequence[str]) -> None:
        self.client, self.reading, self.outcome, self.only = client, reading, outcome, only
        self.questions, self.answers = 0, 0
        self.stopped = ""
        self.rows: dict[str, list[dict[str, str]]] = {name: [] for name in folder.KEYS}
        self.whole: list[tuple[str, str, str, str]] = []

    def provider_rows(self) -> folder.ProviderRows:
        return folder.ProviderRows(self.outcome.provider, self.rows, self.whole)

    def ask(
        self, key: str, what: str, question: Callable[..., Answer[Row]], *about: str, **days: date
    ) -> Answer[Row] | None:
        """The answer to a `fetch_` function; None where there is none, which is recorded as failed.

        A provider that is busy or down is not asked again.
        """
        self.questions += 1
        if self.stopped:
            self.fail(key, what, self.stopped)
            return None
        try:
            answer = question(self.client, *about, **days)
        except http.KeyRefused:
            raise
        except (BreakerOpen, http.ProviderBusy) as away:
            self.stopped = str(away)
            self.fail(key, what, self.stopped)
        except (http.ProviderFailed, http.RequestRefused, http.BadSymbol) as failure:
            self.fail(key, what, str(failure))
        else:
            self.answers += 1
            return answer
        return None

    def fail(self, key: str, what: str, reason: str) -> None:
        self.outcome.failed.append(Failed(key, what, reason))

    def refuse(self, unusable_rows: Iterable[UnusableRow], key: str) -> None:
        """`key` is what we call it."""
        self.outcome.refused += [
            UnusableRow(row.source, row.kind, key, row.day, row.field, row.value, row.rule) for row in unusable_rows
        ]

    def securities(self) -> Iterator[tuple[Security, symbols.SymbolSpan]]:
        """The securities to ask for, with the provider's symbol and the days it holds for. One that has no symbol there fails."""
        provider, first, last = self.outcome.provider, self.outcome.first, self.outcome.last
        if self.only:
            securities = list(Security.objects.filter(symbol__in=self.only).order_by("symbol"))
            if unknown := sorted(set(self.only) - {row.symbol for row in securities}):
                raise symbols.SymbolUnknown(provider, unknown[0], last)
        else:
            by_name = [
                model.objects.filter(provider=provider).values("security") for model in (SecurityAlias, SymbolOverride)
            ]
            securities = list(
                Security.objects.filter(Q(source=provider) | Q(pk__in=by_name[0]) | Q(pk__in=by_name[1])).order_by(
                    "symbol"
                )
            )
        active = [
            row for row in securities if row.first_date <= last and (row.last_date is None or row.last_date >= first)
        ]
        of_security = symbols.symbol_spans(provider=provider, securities=active, first=first, last=last)
        for security in active:
            for span in of_security[security.pk]:
                begin, end = max(span.first, security.first_date), min(span.last, security.last_date or span.last)
                if end < begin:
                    continue
                if span.symbol is None:
                    self.questions += 1
                    self.fail(security.symbol, "closes", f"{provider} has no symbol for it from {begin} to {end}")
                else:
                    yield security, symbols.SymbolSpan(span.symbol, begin, end)

    def take_actions(self, security: Security, action: str, rows: Iterable[Split | Dividend]) -> None:
        """One of a kind and ex-date: several dividends of a day that differ in anything but their amount are all refused."""
        for ex_date, group in groupby(sorted(rows, key=lambda row: row.ex_date), key=lambda row: row.ex_date):
            events = list(group)
            cells = {
                "ex_date": ex_date.isoformat(),
                "symbol": security.symbol,
                "action": action,
                "source": events[0].source,
            }
            if isinstance(events[0], Split):
                self.rows["corporate_actions.csv"].append(
                    cells | {"ratio": _ratio_text(events[0].ratio), "currency": security.currency}
                )
                continue
            paid = [event for event in events if isinstance(event, Dividend)]
            terms = {(event.currency, event.pay_date, event.announced) for event in paid}
            currency, pay_date, announced = terms.pop()
            rule = (
                "its source does not say the currency" if currency is None
                else "differs from another of the same day in more than its amount" if terms
                else "is announced after its ex-date" if announced is not None and announced > ex_date
                else ""
            )  # fmt: skip
            if rule:
                refused_rows = (
                    UnusableRow(event.source, action, "", str(ex_date), "amount", f"{event.amount:f}", rule)
                    for event in paid
                )
                self.refuse(refused_rows, security.symbol)
                continue
            self.rows["corporate_actions.csv"].append(
                cells
                | {
                    "amount": format(reduce(fx.UNROUNDED.add, (event.amount for event in paid)), "f"),
                    "currency": currency or "",
                    "pay_date": str(pay_date or ""),
                    "announced": str(announced or ""),
                }
            )


def _ratio_text(ratio: Decimal) -> str:
    """A market data folder holds 24 decimals."""
    return trimmed(ratio.quantize(Decimal(1).scaleb(-24), context=fx.UNROUNDED))
