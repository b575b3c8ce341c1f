"""What each provider is asked for the market data, and which rows come of its answers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pricing import fx
from pricing.archive.contents import ArchiveReading
from pricing.classifications import Kind
from pricing.models import PriceBasis, Security, Series
from pricing.providers import classifying, ecb, fmp, openfigi, polygon, tiingo, treasury
from pricing.providers.conversation import Conversation
from pricing.providers.fields import Answer
from pricing.providers.rows import Close, Dividend, Split, TradedDay
from pricing.quality.symbols import SymbolSpan, SymbolUnknown

AHEAD_DAYS = 60
"""Dividends are announced before their ex-date, and known from then on."""


def ask_polygon(conversation: Conversation) -> None:
    """Closes as traded, splits, dividends of securities that trade in dollars and whose closes are raw."""
    for security, span in _raw_dollars(conversation):
        symbol, name = span.symbol or "", security.symbol
        closes = conversation.ask(name, "closes", polygon.fetch_closes, symbol, first=span.first, last=span.last)
        if closes is not None:
            conversation.refuse(closes.refused, name)
            _take_closes(conversation, security, closes.rows)
        _ask_actions(conversation, security, span, polygon.fetch_splits, polygon.fetch_dividends)


def ask_tiingo(conversation: Conversation) -> None:
    """Closes as traded, and the splits and dividends that went ex on their days; nothing is told ahead."""
    for security, span in _raw_dollars(conversation):
        days = {"first": span.first, "last": span.last}
        answer = conversation.ask(security.symbol, "days", tiingo.fetch_days, span.symbol or "", **days)
        if answer is None:
            continue
        conversation.refuse(answer.refused, security.symbol)
        for absent in answer.absent:
            conversation.fail(security.symbol, "days", f"nothing was said of {absent}")
        _take_closes(conversation, security, answer.rows)
        splits = [
            Split(day.symbol, day.observed_date, day.split_ratio, day.source)
            for day in answer.rows
            if day.split_ratio != 1
        ]
        dividends = [
            Dividend(day.symbol, day.observed_date, None, None, None, day.dividend, "USD", day.source)
            for day in answer.rows
            if day.dividend is not None
        ]
        conversation.take_actions(security, "split", splits)
        conversation.take_actions(security, "dividend", dividends)
        if not answer.refused:
            whole = span.first.isoformat(), span.last.isoformat()
            conversation.whole += [(security.symbol, action, *whole) for action in ("split", "dividend")]


def _raw_dollars(conversation: Conversation) -> Iterator[tuple[Security, SymbolSpan]]:
    """The securities that a provider of raw closes in dollars can be asked for; the others fail by name."""
    for security, span in conversation.securities():
        if security.price_unit == "USD" and security.price_basis == PriceBasis.RAW:
            yield security, span
        else:
            own = f"{security.price_basis} in {security.price_unit}"
            conversation.questions += 1
            conversation.fail(
                security.symbol, "closes", f"{conversation.outcome.provider}'s are raw dollars, its own {own}"
            )


def _take_closes(conversation: Conversation, security: Security, rows: Iterable[Close | TradedDay]) -> None:
    conversation.rows["prices.csv"] += [
        {
            "date": row.observed_date.isoformat(),
            "symbol": security.symbol,
            "close": format(row.close, "f"),
            "currency": security.price_unit,
            "source": row.source,
        }
        for row in rows
    ]


def ask_fmp(conversation: Conversation) -> None:
    """Splits and dividends, and what a company is said to be. Its quotes are of an instant, which nobody calls a close."""
    for security, span in conversation.securities():
        _ask_actions(conversation, security, span, fmp.fetch_splits, fmp.fetch_dividends)
        if span.last == conversation.outcome.last:
            _ask_profile(conversation, security.symbol, span.symbol or "")


def _ask_profile(conversation: Conversation, name: str, symbol: str) -> None:
    answer = conversation.ask(name, "profile", fmp.fetch_profile, symbol)
    if answer is None:
        return
    conversation.refuse(answer.refused, name)
    for profile in answer.rows:
        texts = {
            Kind.SECTOR: fmp.SECTORS.get(profile.sector or "", profile.sector),
            Kind.REGION: profile.country,
            Kind.ISIN: profile.isin,
        }
        classifying.take(conversation, name, {kind: text for kind, text in texts.items() if text is not None})


def ask_openfigi(conversation: Conversation) -> None:
    """The FIGI of securities that are named, or have one from here already; each by its ISIN, which has to be known."""
    names = conversation.only or classifying.said_by(conversation.reading, Kind.FIGI, openfigi.PROVIDER.code)
    securities = list(Security.objects.filter(symbol__in=names).order_by("exchange", "symbol"))
    if unknown := sorted(set(names) - {row.symbol for row in securities}):
        raise SymbolUnknown(conversation.outcome.provider, unknown[0], conversation.outcome.last)
    by_exchange: dict[str, dict[str, str]] = {}
    for security in securities:
        isin = classifying.text_of(conversation.reading, security.symbol, Kind.ISIN)
        if isin is None:
            conversation.questions += 1
            conversation.fail(security.symbol, "FIGI", "no ISIN of it is known to ask by")
        else:
            by_exchange.setdefault(security.exchange, {})[isin] = security.symbol
    for exchange, symbol_of in by_exchange.items():
        isins = list(symbol_of)
        for start in range(0, len(isins), openfigi.MOST_AT_ONCE):
            _ask_figis(conversation, exchange, symbol_of, isins[start : start + openfigi.MOST_AT_ONCE])


def _ask_figis(conversation: Conversation, exchange: str, symbol_of: Mapping[str, str], isins: Sequence[str]) -> None:
    names = ", ".join(symbol_of[isin] for isin in isins)
    answer = conversation.ask(names, "FIGI", openfigi.fetch_figis, exchange, *isins)
    if answer is None:
        return
    for unusable_row in answer.refused:
        conversation.refuse([unusable_row], symbol_of.get(unusable_row.symbol, names))
    for absent in answer.absent:
        conversation.fail(symbol_of[absent], "FIGI", f"there is none of {absent} at {exchange}")
    for row in answer.rows:
        classifying.take(conversation, symbol_of[row.isin], {Kind.FIGI: row.figi})


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
        refusals_before = len(conversation.outcome.refused)
        conversation.take_actions(security, action, answer.rows)
        if not answer.refused and refusals_before == len(conversation.outcome.refused):
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
    for unusable_row in (*fixings.refused, *(corrected.refused if corrected else ())):
        conversation.refuse([unusable_row], f"{ecb.BASE}/{unusable_row.symbol}")
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
        note = f"its source is {sources[other]}" if other in sources else f"is none of {', '.join(treasury.SERIES)}"
        conversation.fail(other, "par yields", note)
    days = {"first": outcome.first, "last": outcome.last}
    answer = conversation.ask("the curve", "par yields", treasury.fetch_par_yields, *series, **days) if series else None
    if answer is None:
        return
    for absent in answer.absent:
        conversation.fail(absent, "par yields", f"the Treasury has none from {outcome.first} to {outcome.last}")
    for unusable_row in answer.refused:
        conversation.refuse([unusable_row], unusable_row.symbol)
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
