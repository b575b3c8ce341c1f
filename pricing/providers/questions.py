"""What each provider is asked for the market data, and which rows come of its answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pricing import fx
from pricing.archive.contents import ArchiveReading
from pricing.models import PriceBasis, Security, Series
from pricing.providers import ecb, fmp, fred, polygon, treasury
from pricing.providers.conversation import Conversation
from pricing.providers.fields import Answer, UnusableRow
from pricing.providers.rows import Dividend, Split
from pricing.quality.symbols import SymbolSpan

AHEAD_DAYS = 60
"""Dividends are announced before their ex-date, and known from then on."""

FIRST_DAY = date(1800, 1, 1)
VINTAGE_YEARS = 5
"""FRED tells at most 2,000 vintages at once; a daily series has some 250 a year. Vintages begin in the nineties."""


def ask_polygon(conversation: Conversation) -> None:
    """Closes as traded, splits, dividends of securities that trade in dollars and whose closes are raw."""
    for security, span in conversation.securities():
        symbol, name = span.symbol or "", security.symbol
        if security.price_unit != "USD" or security.price_basis != PriceBasis.RAW:
            conversation.questions += 1
            conversation.fail(
                name, "closes", f"polygon's are raw dollars, its own {security.price_basis} in {security.price_unit}"
            )
            continue
        closes = conversation.ask(name, "closes", polygon.fetch_closes, symbol, first=span.first, last=span.last)
        if closes is not None:
            conversation.refuse(closes.refused, name)
            conversation.rows["prices.csv"] += [
                {
                    "date": row.observed_date.isoformat(),
                    "symbol": name,
                    "close": format(row.close, "f"),
                    "currency": security.price_unit,
                    "source": row.source,
                }
                for row in closes.rows
            ]
        _ask_actions(conversation, security, span, polygon.fetch_splits, polygon.fetch_dividends)


def ask_fmp(conversation: Conversation) -> None:
    """Splits and dividends. Its quotes are of an instant, which nobody calls a close."""
    for security, span in conversation.securities():
        _ask_actions(conversation, security, span, fmp.fetch_splits, fmp.fetch_dividends)


def _ask_actions(
    conversation: Conversation,
    security: Security,
    span: SymbolSpan,
    splits: Callable[..., Answer[Split]],
    dividends: Callable[..., Answer[Dividend]],
) -> None:
    name, symbol = security.symbol, span.symbol or ""
    until = span.last + timedelta(days=AHEAD_DAYS if span.last == conversation.outcome.last else 0)
    for action, question in (("split", splits), ("dividend", dividends)):
        answer: Answer[Any] | None = conversation.ask(
            name, f"{action}s", question, symbol, first=span.first, last=until
        )
        if answer is None:
            continue
        conversation.refuse(answer.refused, name)
        refused = len(conversation.outcome.refused)
        conversation.take_actions(security, action, answer.rows)
        if not answer.refused and refused == len(conversation.outcome.refused):
            conversation.whole.append((name, action, span.first.isoformat(), until.isoformat()))


def ask_ecb(conversation: Conversation) -> None:
    """The fixings of these days, and what was corrected meanwhile, of the currencies that the folder has from the ECB."""
    outcome = conversation.outcome
    for unknown in sorted(set(conversation.only) - fx.CURRENCIES | {ecb.BASE} & set(conversation.only)):
        conversation.questions += 1
        conversation.fail(unknown, "fixings", "is no currency that the ECB fixes against the euro")
    requested = [each for each in conversation.only if each in fx.CURRENCIES and each != ecb.BASE]
    currencies = requested or ([] if conversation.only else _own_currencies(conversation.reading))
    if not currencies:
        return
    days = {"first": outcome.first, "last": outcome.last}
    fixings = conversation.ask("all currencies", "fixings", ecb.fetch_fixings, *currencies, **days)
    if fixings is None:
        return
    for absent in sorted(set(fixings.absent) & set(requested)):
        conversation.fail(absent, "fixings", f"the ECB has none from {outcome.first} to {outcome.last}")
    days = {"since": outcome.first, "last": outcome.last}
    corrected = conversation.ask("all currencies", "corrections", ecb.fetch_corrections, *currencies, **days)
    rows = {(row.observed_date, row.quote): row for row in fixings.rows}
    if corrected is not None:
        rows |= {(row.observed_date, row.quote): row for row in corrected.rows}
    for refused in (*fixings.refused, *(corrected.refused if corrected else ())):
        conversation.refuse([refused], f"{ecb.BASE}/{refused.symbol}")
    conversation.rows["fx.csv"] += [
        {
            "date": row.observed_date.isoformat(),
            "base": row.base,
            "quote": row.quote,
            "rate": format(row.rate, "f"),
            "source": row.source,
        }
        for _, row in sorted(rows.items())
    ]


def _own_currencies(reading: ArchiveReading) -> list[str]:
    """What the folder has rates of from the ECB's door, in alphabetical order."""
    if ecb.PROVIDER.code not in reading.source_names:
        return []
    own = reading.source_names.index(ecb.PROVIDER.code)
    pairs = {
        rates.pairs[code]
        for rates in (reading.rates, reading.other_rates)
        for code in set(rates.pair[rates.source == own].tolist())
    }
    return sorted(quote for _, quote in pairs)


def ask_treasury(conversation: Conversation) -> None:
    """The par yields of these days, of the series that are the Treasury's; one that is named begins with the first of them."""
    outcome, sources = conversation.outcome, dict(Series.objects.values_list("id", "source"))
    code = treasury.PROVIDER.code
    requested = conversation.only or sorted(series for series in treasury.SERIES if sources.get(series) == code)
    series = [each for each in requested if each in treasury.SERIES and sources.get(each, code) == code]
    for other in (each for each in requested if each not in series):
        conversation.questions += 1
        known = f"its source is {sources[other]}" if other in sources else f"is none of {', '.join(treasury.SERIES)}"
        conversation.fail(other, "par yields", known)
    days = {"first": outcome.first, "last": outcome.last}
    answer = conversation.ask("the curve", "par yields", treasury.fetch_par_yields, *series, **days) if series else None
    if answer is None:
        return
    for absent in answer.absent:
        conversation.fail(absent, "par yields", f"the Treasury has none from {outcome.first} to {outcome.last}")
    for refused in answer.refused:
        conversation.refuse([refused], refused.symbol)
    described = {row.id for row in conversation.reading.series}
    conversation.rows["macro_series.csv"] += [
        {
            "id": each,
            "title": f"US Treasury par yield, {treasury.SERIES[each]} months",
            "unit": "percent",
            "frequency": "D",
            "source": code,
        }
        for each in series
        if each not in described and each not in answer.absent
    ]
    conversation.rows["macro.csv"] += [
        {
            "date": row.observation_date.isoformat(),
            "series_id": row.series,
            "value": format(row.percent, "f"),
            "source": row.source,
        }
        for row in answer.rows
    ]


def ask_fred(conversation: Conversation) -> None:
    """Every vintage of each series, so that a figure enters on the day it was published."""
    series_rows = {row.id: row for row in conversation.reading.series}
    sources = dict(Series.objects.values_list("id", "source"))
    for series in conversation.only or sorted(
        series for series, source in sources.items() if source == fred.PROVIDER.code
    ):
        if sources.get(series, fred.PROVIDER.code) != fred.PROVIDER.code:
            conversation.questions += 1
            conversation.fail(series, "observations", f"its source is {sources[series]}")
            continue
        if series not in series_rows:
            described = conversation.ask(series, "terms", fred.fetch_series, series)
            if described is None:
                continue
            conversation.refuse(described.refused, series)
            if not described.rows:
                continue
        known = known_values(conversation.reading, series)
        since = conversation.outcome.first if known else fred.FIRST_VINTAGE
        answers = []
        for begin, end in _windows(since, conversation.outcome.last):
            answer = conversation.ask(
                series,
                f"vintages from {begin}",
                fred.fetch_observations,
                series,
                first=FIRST_DAY,
                last=conversation.outcome.last,
                known_from=begin,
                known_to=end,
            )
            if answer is None:
                break  # a later vintage without the ones before would be dated too late
            answers.append(answer)
        else:
            if series not in series_rows:
                (row,) = described.rows  # type: ignore[union-attr]
                copyright = conversation.ask(series, "copyright", fred.fetch_copyright, series)
                if copyright is not None and copyright.rows:
                    conversation.outcome.copyrights[series] = copyright.rows[0].tag
                conversation.rows["macro_series.csv"].append(
                    {
                        "id": row.id,
                        "title": row.title,
                        "unit": row.unit,
                        "frequency": row.frequency,
                        "source": row.source,
                    }
                )
            for answer in answers:
                conversation.refuse(answer.refused, series)
            take_observations(conversation, series, known, [row for answer in answers for row in answer.rows])


def _windows(since: date, last: date) -> Iterator[tuple[date, date]]:
    begin = since
    while begin <= last:
        year = max(begin.year, 1995) + VINTAGE_YEARS
        end = date(year, 1, 1) - timedelta(days=1)
        yield begin, min(end, last)
        begin = end + timedelta(days=1)


def known_values(reading: ArchiveReading, series: str) -> dict[date, list[tuple[date, Decimal]]]:
    """By observation date, rising by the day it was known: what the loaded folder says. Where it does not say when, nothing."""
    known: dict[date, list[tuple[date, Decimal]]] = {}
    stored = reading.observations
    codes = [code for code, row in enumerate(reading.series) if row.id == series]
    for code in codes:
        for row in (stored.series == code).nonzero()[0].tolist():
            known_at = stored.known_at[row].item()
            if known_at is not None:
                known.setdefault(stored.date[row].item(), []).append((known_at, Decimal(stored.value[row].decode())))
    return known


def take_observations(
    conversation: Conversation, series: str, known: Mapping[date, Sequence[tuple[date, Decimal]]], rows: Sequence[Any]
) -> None:
    """Add the figures that are new. An answer repeats the value in force on the first day that was asked for: that is not new."""
    values_of = {day: list(values) for day, values in known.items()}
    for row in sorted(rows, key=lambda row: (row.observation_date, row.realtime_start)):
        if row.value is None:
            conversation.outcome.missing += 1
            continue
        if row.realtime_start < row.observation_date:
            rule = f"lies before the observation, {row.observation_date}"
            refused_row = UnusableRow(
                row.source, "observation", "", str(row.observation_date), "realtime_start", f"{row.value:f}", rule
            )
            conversation.refuse([refused_row], series)
            continue
        of_day = values_of.setdefault(row.observation_date, [])
        before = [value for known_at, value in of_day if known_at <= row.realtime_start]
        if before and before[-1] == row.value:
            continue
        of_day.append((row.realtime_start, row.value))
        of_day.sort()
        conversation.rows["macro.csv"].append(
            {
                "date": row.observation_date.isoformat(),
                "series_id": series,
                "value": format(row.value, "f"),
                "source": row.source,
                "known_at": row.realtime_start.isoformat(),
                "vintage": row.realtime_start.isoformat(),
            }
        )
