"""What a provider sends, into the loaded market data: asked by its own symbols, refused rows into quarantine, the rest into the
next market data folder, which is loaded like any other. Packs are then built from it by the same rules.

Nothing is fetched twice into the same place: a row of the provider stands for its earlier one, another source's row stays.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from config import locks
from config.breaker import BreakerOpen
from config.errors import TieoutError
from pricing import archive, fx
from pricing.archive import folder, loading
from pricing.models import PriceBasis, Security, SecurityAlias, Series, SymbolOverride
from pricing.providers import fmp, fred, http, polygon
from pricing.providers.fields import Answer, UnusableRow
from pricing.providers.http import Client, Provider
from pricing.providers.rows import Dividend, Split
from pricing.quality import quarantine, rules, symbols

Row = TypeVar("Row")

OVERLAP_DAYS = 7
"""How far before the end of what is loaded closes and actions are asked for again: corrections mostly come within days."""

AHEAD_DAYS = 60
"""Dividends are announced before their ex-date, and known from then on."""

FIRST_DAY = date(1800, 1, 1)
VINTAGE_YEARS = 5
"""FRED tells at most 2,000 vintages at once; a daily series has some 250 a year. Vintages begin in the nineties."""

KEPT_FOLDERS = 2
"""The one that is loaded, and the one before, which somebody may be reading."""

KINDS: Mapping[str, rules.Kind] = {
    "close": "price", "split": "action", "dividend": "action", "observation": "observation", "series": "observation",
}  # fmt: skip


class NotForPacks(TieoutError):
    """No provider of that name tells what packs hold."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} has nothing that packs hold: ask {', '.join(FETCHED)}")
        self.provider = provider


class NothingToFetch(TieoutError):
    """No security is this provider's, none of its series is kept."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"nothing to ask {provider} for: no security or series has it as its source, none an alias of it; name some"
        )
        self.provider = provider


class NothingFetched(TieoutError):
    """Every question failed; the loaded market data is as it was."""

    def __init__(self, provider: str, failed: Sequence["Failed"]) -> None:
        super().__init__(
            f"{provider} answered nothing: {failed[0]}" + (f", and {len(failed) - 1} more" if failed[1:] else "")
        )
        self.provider, self.failed = provider, tuple(failed)


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
    """What came of it. `counts` by file of the folder; `missing`: figures that the source itself calls missing."""

    provider: str
    first: date
    last: date
    counts: dict[str, folder.Counts] = field(default_factory=dict)
    missing: int = 0
    refused: list[UnusableRow] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    archive_end: date | None = None


def fetch(
    *,
    provider: str,
    run: UUID,
    today: date,
    first: date | None = None,
    last: date | None = None,
    only: Sequence[str] = (),
) -> Fetched:
    """Ask a provider for the days from `first` (None: a week before the end of what is loaded) to `last` (None: yesterday).

    only    symbols of ours, or series; else every security and series that is this provider's, by source, alias or override
    run     under which refused rows go into quarantine
    raises  NotForPacks, http.ProviderOff, http.KeyRefused; NothingToFetch; NothingFetched; loading.NoArchive,
            loading.ArchiveChanged; symbols.SymbolUnknown for one in `only`; archive.ArchiveRefused. Nothing is loaded then.
            What failed for some is told in the outcome, and the others are loaded.
    """
    if provider not in FETCHED:
        raise NotForPacks(provider)
    terms, ask = FETCHED[provider]
    client = http.client_of(terms)
    reading = loading.read_loaded()
    last = last or today - timedelta(days=1)
    outcome = Fetched(provider, first or reading.archive_end - timedelta(days=OVERLAP_DAYS), last)
    talk = _Talk(client, reading, outcome, only)
    ask(talk)
    if not talk.asked:
        raise NothingToFetch(provider)
    if len(outcome.failed) >= talk.asked and not talk.answered:
        raise NothingFetched(provider, outcome.failed)
    quarantine.record(map(_suspect_of(last), outcome.refused), run=run)
    _take_in(talk.sent(), outcome)
    return outcome


class _Talk:
    """One conversation with a provider: what was asked, what came."""

    def __init__(self, client: Client, reading: archive.ArchiveReading, outcome: Fetched, only: Sequence[str]) -> None:
        self.client, self.reading, self.outcome, self.only = client, reading, outcome, only
        self.asked, self.answered = 0, 0
        self.stopped = ""
        self.rows: dict[str, list[dict[str, str]]] = {name: [] for name in folder.KEYS}
        self.whole: list[tuple[str, str, str, str]] = []

    def sent(self) -> folder.Sent:
        return folder.Sent(self.outcome.provider, self.rows, self.whole)

    def ask(
        self, key: str, what: str, question: Callable[..., Answer[Row]], *about: str, **days: date
    ) -> Answer[Row] | None:
        """The answer to a `fetch_` of a provider; None where there is none, which is on record then.

        One that is busy or down is asked no more.
        """
        self.asked += 1
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
            self.answered += 1
            return answer
        return None

    def fail(self, key: str, what: str, reason: str) -> None:
        self.outcome.failed.append(Failed(key, what, reason))

    def refuse(self, refused: Iterable[UnusableRow], key: str) -> None:
        """`key` is what we call it."""
        self.outcome.refused += [
            UnusableRow(row.source, row.kind, key, row.day, row.field, row.value, row.rule) for row in refused
        ]

    def securities(self) -> Iterator[tuple[Security, symbols.Called]]:
        """Those to ask for, in the days that they were listed, with what the provider calls them; who has no name fails."""
        provider, first, last = self.outcome.provider, self.outcome.first, self.outcome.last
        if self.only:
            found = list(Security.objects.filter(symbol__in=self.only).order_by("symbol"))
            if unknown := sorted(set(self.only) - {row.symbol for row in found}):
                raise symbols.SymbolUnknown(provider, unknown[0], last)
        else:
            named = [
                model.objects.filter(provider=provider).values("security") for model in (SecurityAlias, SymbolOverride)
            ]
            found = list(
                Security.objects.filter(Q(source=provider) | Q(pk__in=named[0]) | Q(pk__in=named[1])).order_by("symbol")
            )
        listed = [row for row in found if row.first_date <= last and (row.last_date is None or row.last_date >= first)]
        of_security = symbols.called(provider=provider, securities=listed, first=first, last=last)
        for security in listed:
            for span in of_security[security.pk]:
                begin, end = max(span.first, security.first_date), min(span.last, security.last_date or span.last)
                if end < begin:
                    continue
                if span.symbol is None:
                    self.asked += 1
                    self.fail(security.symbol, "closes", f"{provider} has no symbol for it from {begin} to {end}")
                else:
                    yield security, symbols.Called(span.symbol, begin, end)

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
                told = (
                    UnusableRow(event.source, action, "", str(ex_date), "amount", f"{event.amount:f}", rule)
                    for event in paid
                )
                self.refuse(told, security.symbol)
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
    return format(ratio.quantize(Decimal(1).scaleb(-24), context=fx.UNROUNDED).normalize(fx.UNROUNDED), "f")


# --- what each provider is asked


def _ask_polygon(talk: _Talk) -> None:
    """Closes as traded, splits, dividends of securities that trade in dollars and whose closes are raw."""
    for security, span in talk.securities():
        symbol, name = span.symbol or "", security.symbol
        if security.price_unit != "USD" or security.price_basis != PriceBasis.RAW:
            talk.asked += 1
            talk.fail(
                name, "closes", f"polygon's are raw dollars, its own {security.price_basis} in {security.price_unit}"
            )
            continue
        closes = talk.ask(name, "closes", polygon.fetch_closes, symbol, first=span.first, last=span.last)
        if closes is not None:
            talk.refuse(closes.refused, name)
            talk.rows["prices.csv"] += [
                {
                    "date": row.observed_date.isoformat(),
                    "symbol": name,
                    "close": format(row.close, "f"),
                    "currency": security.price_unit,
                    "source": row.source,
                }
                for row in closes.rows
            ]
        until = span.last + timedelta(days=AHEAD_DAYS if span.last == talk.outcome.last else 0)
        for action, question in (("split", polygon.fetch_splits), ("dividend", polygon.fetch_dividends)):
            answer: Answer[Any] | None = talk.ask(name, f"{action}s", question, symbol, first=span.first, last=until)
            if answer is None:
                continue
            talk.refuse(answer.refused, name)
            refused = len(talk.outcome.refused)
            talk.take_actions(security, action, answer.rows)
            if not answer.refused and refused == len(talk.outcome.refused):
                talk.whole.append((name, action, span.first.isoformat(), until.isoformat()))


def _ask_fmp(talk: _Talk) -> None:
    """Splits and dividends, of all companies at once. Its quotes are of an instant, which nobody calls a close."""
    named = list(talk.securities())
    if not named:
        return
    first, last = talk.outcome.first, talk.outcome.last
    calendars: tuple[tuple[str, Callable[..., Answer[Any]]], ...] = (
        ("split", fmp.fetch_split_calendar),
        ("dividend", fmp.fetch_dividend_calendar),
    )
    for action, question in calendars:
        answer = talk.ask("all companies", f"{action}s", question, first=first, last=last)
        if answer is None:
            continue
        for security, span in named:
            refused = len(talk.outcome.refused)
            talk.refuse((row for row in answer.refused if row.symbol == span.symbol), security.symbol)
            ours = [row for row in answer.rows if row.symbol == span.symbol and span.first <= row.ex_date <= span.last]
            talk.take_actions(security, action, ours)
            if refused == len(talk.outcome.refused) and all(row.symbol for row in answer.refused):
                talk.whole.append((security.symbol, action, span.first.isoformat(), span.last.isoformat()))


def _ask_fred(talk: _Talk) -> None:
    """Every vintage of each series, so that a figure enters on the day it was published."""
    kept = {row.id: row for row in talk.reading.series}
    sources = dict(Series.objects.values_list("id", "source"))
    for series in talk.only or sorted(series for series, source in sources.items() if source == fred.PROVIDER.code):
        if sources.get(series, fred.PROVIDER.code) != fred.PROVIDER.code:
            talk.asked += 1
            talk.fail(series, "observations", f"its source is {sources[series]}")
            continue
        if series not in kept:
            described = talk.ask(series, "terms", fred.fetch_series, series)
            if described is None:
                continue
            talk.refuse(described.refused, series)
            if not described.rows:
                continue
        known = _known(talk.reading, series)
        since = talk.outcome.first if known else fred.FIRST_VINTAGE
        answers = []
        for begin, end in _windows(since, talk.outcome.last):
            answer = talk.ask(
                series,
                f"vintages from {begin}",
                fred.fetch_observations,
                series,
                first=FIRST_DAY,
                last=talk.outcome.last,
                known_from=begin,
                known_to=end,
            )
            if answer is None:
                break  # a later vintage without the ones before would be dated too late
            answers.append(answer)
        else:
            if series not in kept:
                (row,) = described.rows  # type: ignore[union-attr]
                talk.rows["macro_series.csv"].append(
                    {
                        "id": row.id,
                        "title": row.title,
                        "unit": row.unit,
                        "frequency": row.frequency,
                        "source": row.source,
                    }
                )
            for answer in answers:
                talk.refuse(answer.refused, series)
            _take_observations(talk, series, known, [row for answer in answers for row in answer.rows])


def _windows(since: date, last: date) -> Iterator[tuple[date, date]]:
    begin = since
    while begin <= last:
        year = max(begin.year, 1995) + VINTAGE_YEARS
        end = date(year, 1, 1) - timedelta(days=1)
        yield begin, min(end, last)
        begin = end + timedelta(days=1)


def _known(reading: archive.ArchiveReading, series: str) -> dict[date, list[tuple[date, Decimal]]]:
    """By observation date, rising by the day it was known: what the loaded folder says. Where it does not say when, nothing."""
    found: dict[date, list[tuple[date, Decimal]]] = {}
    held = reading.observations
    codes = [code for code, row in enumerate(reading.series) if row.id == series]
    for code in codes:
        for row in (held.series == code).nonzero()[0].tolist():
            known_at = held.known_at[row].item()
            if known_at is not None:
                found.setdefault(held.date[row].item(), []).append((known_at, Decimal(held.value[row].decode())))
    return found


def _take_observations(
    talk: _Talk, series: str, known: Mapping[date, Sequence[tuple[date, Decimal]]], rows: Sequence[Any]
) -> None:
    """What says nothing new is passed over: an answer begins each vintage no earlier than the day that was asked from."""
    said = {day: list(values) for day, values in known.items()}
    for row in sorted(rows, key=lambda row: (row.observation_date, row.realtime_start)):
        if row.value is None:
            talk.outcome.missing += 1
            continue
        if row.realtime_start < row.observation_date:
            rule = f"lies before the observation, {row.observation_date}"
            told = UnusableRow(
                row.source, "observation", "", str(row.observation_date), "realtime_start", f"{row.value:f}", rule
            )
            talk.refuse([told], series)
            continue
        of_day = said.setdefault(row.observation_date, [])
        before = [value for known_at, value in of_day if known_at <= row.realtime_start]
        if before and before[-1] == row.value:
            continue
        of_day.append((row.realtime_start, row.value))
        of_day.sort()
        talk.rows["macro.csv"].append(
            {
                "date": row.observation_date.isoformat(),
                "series_id": series,
                "value": format(row.value, "f"),
                "source": row.source,
                "known_at": row.realtime_start.isoformat(),
                "vintage": row.realtime_start.isoformat(),
            }
        )


FETCHED: Mapping[str, tuple[Provider, Callable[[_Talk], None]]] = {
    "fmp": (fmp.PROVIDER, _ask_fmp),
    "fred": (fred.PROVIDER, _ask_fred),
    "polygon": (polygon.PROVIDER, _ask_polygon),
}
"""NewsAPI's articles and FMP's statements and quotes are no part of a pack: they are read when they are asked for."""


# --- into the market data


def _suspect_of(fetched_on: date) -> Callable[[UnusableRow], rules.Suspect]:
    """A refused row as quarantine keeps it; by the day of the fetch where its own can't be read."""

    def suspect(row: UnusableRow) -> rules.Suspect:
        kind = KINDS[row.kind]
        key = f"{row.symbol}/{row.kind}" if kind == "action" else row.symbol
        day = _day_of(row.day)
        sent = "" if day else f", of the day {row.day!r}"
        reason = f"{row.field} {row.rule}{sent}"
        return rules.Suspect(kind, key, day or fetched_on, row.value[:64], rules.Rule.REFUSED, reason, row.source)

    return suspect


def _day_of(sent: str) -> date | None:
    """An ISO date, or milliseconds since 1970 at an exchange in New York."""
    try:
        if sent.isdigit() and len(sent) >= 12:
            return datetime.fromtimestamp(int(sent) / 1000, UTC).astimezone(polygon.EXCHANGE_ZONE).date()
        return date.fromisoformat(sent)
    except (ValueError, OverflowError, OSError):
        return None


def folders() -> Path:
    return Path(settings.VAR) / "market"


def _take_in(sent: folder.Sent, outcome: Fetched) -> None:
    """Write the next folder of the one that is loaded now, and load it; all of it or nothing. One at a time."""
    with transaction.atomic():
        locks.lock_until_commit("pricing.providers.fetching")
        reading = loading.read_loaded()
        outcome.archive_end = reading.archive_end
        if not any(sent.rows.values()) and not sent.whole:
            return
        numbers = [int(path.name) for path in folders().glob("*") if path.name.isdigit()]
        path = folders() / f"{max(numbers, default=0) + 1:06}"
        with ExitStack() as undoing:
            undoing.callback(shutil.rmtree, path, ignore_errors=True)
            outcome.counts = folder.write(Path(reading.path), path, sent)
            if not any(counts.differ for counts in outcome.counts.values()):
                return
            outcome.archive_end = loading.load(path).reading.archive_end
            undoing.pop_all()
    for old in sorted(numbers)[: -(KEPT_FOLDERS - 1) or None]:
        shutil.rmtree(folders() / f"{old:06}", ignore_errors=True)


def told(outcome: Fetched) -> dict[str, Any]:
    """As JSON."""
    return asdict(outcome)
