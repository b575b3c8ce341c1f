"""A whole archive by the rules of quality: what packs may take of it, with which flags, and what they may not. Pure; no Django."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from pricing.archive.contents import ArchiveReading, Closes, Rates, as_numbers
from pricing.quality import quote_acceptance, row_rules
from pricing.quality.action_acceptance import explaining_events, judge_actions
from pricing.quality.quote_acceptance import CLOSE_LIMITS, RATE_LIMITS, JudgedRows, LeftOut
from pricing.quality.suspects import Decisions, Quotes, Suspect


@dataclass(frozen=True, slots=True)
class Judgement:
    """`reading` holds what packs may take; its rows' flags are by row number in it."""

    reading: ArchiveReading
    suspects: tuple[Suspect, ...]
    closes: LeftOut
    rates: LeftOut
    close_flags: Mapping[int, str]
    rate_flags: Mapping[int, str]
    observation_flags: Mapping[int, str]
    accepted_actions: frozenset[tuple[str, str, date]]  # (symbol, action, ex-date)
    series: frozenset[str]  # that the whole archive has figures of
    symbols_with_actions: frozenset[str]  # of securities, if the whole archive has actions
    quotes: tuple[Quotes, Quotes]  # closes and rates before any was taken out

    def suspects_of(self, days: Sequence[date]) -> list[Suspect]:
        """Suspects that a pack of one of the days, rising, would have held; of series and actions all up to the last day."""
        suspects = [each for each in self.suspects if each.kind in ("observation", "action") and each.day <= days[-1]]
        pack_days = np.array(days, dtype="datetime64[D]")
        for quotes in self.quotes:
            number_of = {key: number for number, key in enumerate(quotes.keys)}
            for each in self.suspects:
                if each.kind == quotes.kind:
                    begin, end = np.searchsorted(quotes.key, [number_of[each.key], number_of[each.key] + 1])
                    dates = quotes.date[begin:end]
                    after = int(np.searchsorted(dates, np.datetime64(each.day, "D"), "right"))
                    until = dates[after] if after < len(dates) else pack_days[-1] + 1
                    if np.searchsorted(pack_days, np.datetime64(each.day, "D")) < np.searchsorted(pack_days, until):
                        suspects.append(each)
        return suspects


UNBOUNDED_UNITS = frozenset({"code", "base 36", "USD", "USD per share"})
"""Of figures that may be any after any other: codes of classifications, and what companies report, whose profit becomes a loss."""


def judge(
    reading: ArchiveReading,
    *,
    today: date,
    currency_of: Mapping[str, str] | None = None,
    basis_of: Mapping[str, str] | None = None,
    decisions: Decisions | None = None,
) -> Judgement:
    """All rules over a whole archive: actions first, then closes, rates and figures.

    today        no row may lie after it
    currency_of  symbol -> trading currency, where that is known apart from the archive
    basis_of     symbol -> price basis, likewise
    """
    decided, names = decisions or Decisions(), reading.source_names
    basis = {row.symbol: row.price_basis for row in reading.securities} | dict(basis_of or {})
    symbols = tuple(row.symbol for row in reading.securities)
    quoted = [row.currency for row in reading.securities]
    traded = [(currency_of or {}).get(row.symbol, row.currency) for row in reading.securities]
    closes, other_closes = (_as_quotes(each, symbols, names) for each in (reading.closes, reading.other_closes))
    rates, other_rates = (_as_rate_quotes(each, names) for each in (reading.rates, reading.other_rates))
    actions = judge_actions(reading, closes, basis, decided)
    judged_closes = quote_acceptance.judge_quotes(
        closes,
        other_closes,
        explaining_events(actions, symbols, basis),
        decided,
        today=today,
        foreign=row_rules.wrong_currency(closes.key, quoted, traded),
        limits=CLOSE_LIMITS,
    )
    judged_rates = quote_acceptance.judge_quotes(
        rates,
        other_rates,
        {},
        decided,
        today=today,
        foreign=np.zeros(len(rates.key), dtype=bool),
        limits=RATE_LIMITS,
    )
    figures = _as_figure_quotes(reading)
    percent = [not row.unit or row.unit.startswith("percent") for row in reading.series]
    free = [row.unit in UNBOUNDED_UNITS for row in reading.series]
    judged_figures = quote_acceptance.judge_figures(figures, decided, today=today, percent=percent, free=free)
    return Judgement(
        reading=replace(
            _remaining(reading, judged_closes, judged_rates, judged_figures), actions=tuple(actions.usable)
        ),
        suspects=(*actions.suspects, *judged_closes.suspects, *judged_rates.suspects, *judged_figures.suspects),
        closes=judged_closes.left_out,
        rates=judged_rates.left_out,
        close_flags=judged_closes.remaining_flags(),
        rate_flags=judged_rates.remaining_flags(),
        observation_flags=judged_figures.remaining_flags(),
        accepted_actions=actions.accepted,
        series=frozenset(reading.series[code].id for code in np.unique(reading.observations.series).tolist()),
        symbols_with_actions=frozenset(symbols if reading.actions or reading.quarantined else ()),
        quotes=(closes, rates),
    )


def _as_quotes(closes: Closes, symbols: tuple[str, ...], source_names: tuple[str, ...]) -> Quotes:
    return Quotes(
        "price", symbols, closes.security, closes.date, closes.close, closes.number, closes.source, source_names
    )


def _as_rate_quotes(rates: Rates, source_names: tuple[str, ...]) -> Quotes:
    pairs = tuple("/".join(pair) for pair in rates.pairs)
    return Quotes("rate", pairs, rates.pair, rates.date, rates.rate, rates.number, rates.source, source_names)


def _as_figure_quotes(reading: ArchiveReading) -> Quotes:
    ids, observations = tuple(row.id for row in reading.series), reading.observations
    value = as_numbers(observations.value)
    return Quotes(
        "observation",
        ids,
        observations.series,
        observations.date,
        observations.value,
        value,
        observations.source,
        reading.source_names,
    )


def _remaining(reading: ArchiveReading, closes: JudgedRows, rates: JudgedRows, figures: JudgedRows) -> ArchiveReading:
    """The archive without the rows that are left out. A table that loses none stays the same object."""
    if closes.left_out.out.any():
        table = reading.closes
        columns = (table.security, table.date, table.close, table.source)
        reading = replace(reading, closes=Closes(*map(closes.remaining, columns)))
    if rates.left_out.out.any():
        legs = reading.rates
        columns = (legs.pair, legs.date, legs.rate, legs.source)
        reading = replace(reading, rates=Rates(legs.pairs, *map(rates.remaining, columns)))
    if figures.left_out.out.any():
        before = reading.observations
        rows = np.flatnonzero(~figures.left_out.out).tolist()
        observations = replace(
            before,
            series=figures.remaining(before.series),
            date=figures.remaining(before.date),
            value=figures.remaining(before.value),
            known_at=figures.remaining(before.known_at),
            vintage=tuple(before.vintage[row] for row in rows) if before.vintage else (),
            source=figures.remaining(before.source),
        )
        reading = replace(reading, observations=observations)
    return reading


def without_unreadable(judgement: Judgement, reading: ArchiveReading, unreadable: Sequence[Suspect]) -> Judgement:
    """The judgement with closes that never got into the archive as rows that wait for a decision.

    One whose security has a row of that day in the archive by now does not count.
    """
    number_of, closes, waiting = reading.code_of, reading.closes, []
    for each in unreadable:
        number = number_of.get(each.key)
        if number is not None:
            begin, end = np.searchsorted(closes.security, [number, number + 1]).tolist()
            if not (closes.date[begin:end] == np.datetime64(each.day, "D")).any():
                waiting.append((number, each))
    if not waiting:
        return judgement
    left, mask = judgement.closes, np.ones(len(waiting), dtype=bool)
    rows = range(len(left.key), len(left.key) + len(waiting))
    return replace(
        judgement,
        closes=LeftOut(
            key=np.append(left.key, np.array([number for number, _ in waiting], dtype=left.key.dtype)),
            date=np.append(left.date, np.array([each.day for _, each in waiting], dtype="datetime64[D]")),
            out=np.append(left.out, mask),
            pending=np.append(left.pending, mask),
            reason={**left.reason, **{row: str(each) for row, (_, each) in zip(rows, waiting, strict=True)}},
        ),
    )
