"""A whole archive by the rules of quality: what packs may take of it, with which flags, and what they may not. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from pricing import archive
from pricing.archive import ActionRow, ArchiveReading, Codes, Dates
from pricing.quality import rules
from pricing.quality.rules import Decisions, Events, Kind, Mask, Quotes, Rule, Suspect


@dataclass(frozen=True, slots=True)
class Left:
    """R0 rows of one table before any was taken out: which were, and whether somebody still has to decide."""

    key: Codes
    date: Dates
    out: Mask
    pending: Mask
    reason: Mapping[int, str]  # by row


@dataclass(frozen=True, slots=True)
class Judgement:
    """`reading` holds what packs may take; its rows' flags are by row number in it."""

    reading: ArchiveReading
    suspects: tuple[Suspect, ...]
    closes: Left
    rates: Left
    close_flags: Mapping[int, str]
    rate_flags: Mapping[int, str]
    observation_flags: Mapping[int, str]
    accepted_actions: frozenset[tuple[str, str, date]]  # (symbol, action, ex-date)
    series: frozenset[str]  # that the whole archive has figures of
    symbols_with_actions: frozenset[str]  # of securities, if the whole archive has actions
    quotes: tuple[Quotes, Quotes]  # closes and rates before any was taken out

    def seen_by(self, days: Sequence[date]) -> list[Suspect]:
        """Suspects that a pack of one of the days, rising, would have held; of series and actions all up to the last day."""
        found = [each for each in self.suspects if each.kind in ("observation", "action") and each.day <= days[-1]]
        opened = np.array(days, dtype="datetime64[D]")
        for quotes in self.quotes:
            number_of = {key: number for number, key in enumerate(quotes.keys)}
            for each in self.suspects:
                if each.kind == quotes.kind:
                    begin, end = np.searchsorted(quotes.key, [number_of[each.key], number_of[each.key] + 1])
                    dates = quotes.date[begin:end]
                    after = int(np.searchsorted(dates, np.datetime64(each.day, "D"), "right"))
                    until = dates[after] if after < len(dates) else opened[-1] + 1
                    if np.searchsorted(opened, np.datetime64(each.day, "D")) < np.searchsorted(opened, until):
                        found.append(each)
        return found


def judge(
    reading: ArchiveReading,
    *,
    today: date,
    currency_of: Mapping[str, str] | None = None,
    basis_of: Mapping[str, str] | None = None,
    decisions: Decisions | None = None,
) -> Judgement:
    """All rules over a whole archive.

    today        no row may lie after it
    currency_of  symbol -> trading currency, where that is known apart from the archive
    basis_of     symbol -> price basis, likewise
    """
    return _Bench(reading, today, currency_of or {}, basis_of or {}, decisions or Decisions()).judgement()


def without_refused(judged: Judgement, reading: ArchiveReading, refused: Sequence[Suspect]) -> Judgement:
    """The judgement with closes that never got into the archive as rows that wait for a decision.

    One whose security has a row of that day in the archive by now does not count.
    """
    number_of, held, out = reading.code_of, reading.closes, []
    for each in refused:
        number = number_of.get(each.key)
        if number is not None:
            begin, end = np.searchsorted(held.security, [number, number + 1]).tolist()
            if not (held.date[begin:end] == np.datetime64(each.day, "D")).any():
                out.append((number, each))
    if not out:
        return judged
    left, added = judged.closes, np.ones(len(out), dtype=bool)
    rows = range(len(left.key), len(left.key) + len(out))
    return replace(
        judged,
        closes=Left(
            key=np.append(left.key, np.array([number for number, _ in out], dtype=left.key.dtype)),
            date=np.append(left.date, np.array([each.day for _, each in out], dtype="datetime64[D]")),
            out=np.append(left.out, added),
            pending=np.append(left.pending, added),
            reason={**left.reason, **{row: str(each) for row, (_, each) in zip(rows, out, strict=True)}},
        ),
    )


class _Bench:
    """One judgement: closes first without the doubtful actions' say, then actions, then what is left."""

    def __init__(
        self,
        reading: ArchiveReading,
        today: date,
        currency_of: Mapping[str, str],
        basis_of: Mapping[str, str],
        decisions: Decisions,
    ) -> None:
        self.reading, self.today, self.decisions = reading, today, decisions
        self.currency_of, self.basis_of = currency_of, basis_of
        self.suspects: list[Suspect] = []
        symbols = tuple(row.symbol for row in reading.securities)
        held, others = reading.closes, reading.other_closes
        self.closes = Quotes(
            "price", symbols, held.security, held.date, held.close, held.number, held.source,
            reading.source_names,
        )  # fmt: skip
        self.other_closes = replace(
            self.closes, key=others.security, date=others.date, text=others.close, value=others.number,
            source=others.source,
        )  # fmt: skip
        rates, other = reading.rates, reading.other_rates
        pairs = tuple("/".join(pair) for pair in rates.pairs)
        self.rates = Quotes(
            "rate", pairs, rates.pair, rates.date, rates.rate, rates.number, rates.source,
            reading.source_names,
        )  # fmt: skip
        self.other_rates = replace(
            self.rates, key=other.pair, date=other.date, text=other.rate, value=other.number,
            source=other.source,
        )  # fmt: skip

    def judgement(self) -> Judgement:
        actions, doubtful, accepted = self.judged_actions()
        quoted = [row.currency for row in self.reading.securities]
        traded = [self.currency_of.get(row.symbol, row.currency) for row in self.reading.securities]
        closes, close_flags = self.judged_quotes(
            self.closes,
            self.other_closes,
            self.events(actions, doubtful),
            foreign=rules.wrong_currency(self.closes.key, quoted, traded),
            limit=rules.MAX_PRICE_JUMP,
            extreme=rules.EXTREME_PRICE,
            stale=rules.STALE_CLOSES,
        )
        rates, rate_flags = self.judged_quotes(
            self.rates,
            self.other_rates,
            {},
            foreign=np.zeros(len(self.rates.key), dtype=bool),
            limit=rules.MAX_RATE_JUMP,
            extreme=rules.EXTREME_RATE,
            stale=rules.STALE_RATES,
        )
        figures_out, figure_flags = self.judged_observations()
        reading = replace(self.reading, actions=tuple(actions))
        if closes.out.any():
            held = reading.closes
            columns = (held.security, held.date, held.close, held.source)
            reading = replace(reading, closes=type(held)(*(_kept(column, ~closes.out) for column in columns)))
        if rates.out.any():
            legs = reading.rates
            columns = (legs.pair, legs.date, legs.rate, legs.source)
            reading = replace(reading, rates=type(legs)(legs.pairs, *(_kept(column, ~rates.out) for column in columns)))
        if figures_out.any():
            seen = reading.observations
            kept = ~figures_out
            reading = replace(
                reading,
                observations=replace(
                    seen,
                    series=_kept(seen.series, kept),
                    date=_kept(seen.date, kept),
                    value=_kept(seen.value, kept),
                    known_at=_kept(seen.known_at, kept),
                    vintage=tuple(seen.vintage[row] for row in np.flatnonzero(kept).tolist()) if seen.vintage else (),
                    source=_kept(seen.source, kept),
                ),
            )
        return Judgement(
            reading=reading,
            suspects=tuple(self.suspects),
            closes=closes,
            rates=rates,
            close_flags=_renumbered(close_flags, closes.out),
            rate_flags=_renumbered(rate_flags, rates.out),
            observation_flags=_renumbered(figure_flags, figures_out),
            accepted_actions=accepted,
            series=frozenset(
                self.reading.series[code].id for code in np.unique(self.reading.observations.series).tolist()
            ),
            symbols_with_actions=frozenset(
                row.symbol
                for row in (self.reading.securities if self.reading.actions or self.reading.quarantined else ())
            ),
            quotes=(self.closes, self.rates),
        )

    # closes and rates

    def judged_quotes(
        self,
        quotes: Quotes,
        others: Quotes,
        events: Mapping[int, Events],
        *,
        foreign: Mask,
        limit: float,
        extreme: float,
        stale: int,
    ) -> tuple[Left, dict[int, str]]:
        rejected, accepted = self.decided(quotes)
        found: list[tuple[int, Suspect]] = []

        def suspect(rule: Rule, mask: Mask, reason: str) -> None:
            found.extend((row, quotes.suspect(row, rule, reason)) for row in np.flatnonzero(mask).tolist())

        suspect(Rule.NOT_A_NUMBER, rules.not_a_number(quotes.value), "is no finite number")
        suspect(Rule.NOT_POSITIVE, rules.not_positive(quotes.value), "is not above zero")
        suspect(Rule.FUTURE, rules.future_date(quotes.date, self.today), f"lies after {self.today}")
        suspect(Rule.CURRENCY, foreign, "is in another currency than the security trades in")
        suspect(
            Rule.TWO_VALUES,
            rules.two_values(quotes.key, quotes.date, quotes.value),
            "is one of two values of that day",
        )
        apart = rules.compared(quotes, others)
        for row in np.flatnonzero(apart > rules.TWO_SOURCE_TOLERANCE).tolist():
            reason = f"{apart[row]:.2%} from what another source says of that day"
            found.append((row, quotes.suspect(row, Rule.SOURCES, reason)))
        settled: set[int] = set()  # pairs of which staff, or another source, say that they are at another level now
        for row, (times, usual) in rules.far_from_usual(quotes).items():
            each = quotes.suspect(row, Rule.UNIT, f"{times:.4g} times the usual rate, {usual:.4g}")
            if apart[row] <= rules.TWO_SOURCE_TOLERANCE:
                settled.add(int(quotes.key[row]))
            if quotes.key[row] not in settled:
                found.append((row, each))
            if self.decisions.accepts(each):
                settled.add(int(quotes.key[row]))
        vouched: set[int] = set()  # first rows of runs that staff, or another source, say are true
        for row, begin in rules.stale_runs(quotes.key, quotes.value, limit=stale).items():
            days = row - begin + 1
            each = quotes.suspect(row, Rule.STALE, f"is the same for {days} days in a row, since {quotes.date[begin]}")
            if apart[row] <= rules.TWO_SOURCE_TOLERANCE:
                vouched.add(begin)
            if begin not in vouched:
                found.append((row, each))
            if self.decisions.accepts(each):
                vouched.add(begin)
        unusable = ~np.isfinite(quotes.value) | (quotes.value <= 0)
        never = unusable.copy()
        never[[row for row, each in found if not self.decisions.accepts(each)]] = True
        never[sorted(rejected)] = True
        moves = rules.find_moves(
            quotes,
            never,
            events,
            limit=limit,
            extreme=extreme,
            accepts=lambda row, rule: self.decisions.accepts(quotes.suspect(row, rule, "")),
            agreed=np.flatnonzero(apart <= rules.TWO_SOURCE_TOLERANCE).tolist(),
        )
        found += [(row, quotes.suspect(row, *why)) for row, why in moves.suspects.items()]
        return self.left(quotes, found, rejected, unusable), self.flags(accepted, moves.extreme)

    def left(self, quotes: Quotes, found: Sequence[tuple[int, Suspect]], rejected: set[int], unusable: Mask) -> Left:
        out, pending = unusable.copy(), np.zeros(len(quotes.key), dtype=bool)
        reason: dict[int, str] = {}
        for row, each in found:
            self.suspects.append(each)
            if row in rejected or unusable[row] or not self.decisions.accepts(each):
                out[row] = True
                pending[row] |= row not in rejected
                reason[row] = str(each)
        for row in rejected - reason.keys():
            out[row] = True
            reason[row] = f"{quotes.kind} {quotes.keys[quotes.key[row]]} of {quotes.date[row]} was rejected"
        return Left(quotes.key, quotes.date, out, pending, reason)

    def decided(self, quotes: Quotes) -> tuple[set[int], set[int]]:
        """Rows that staff have rejected, and rows that they have accepted."""
        number_of = {key: number for number, key in enumerate(quotes.keys)}
        both: tuple[set[int], set[int]] = (set(), set())
        for rows, decided in zip(both, (self.decisions.rejected, self.decisions.accepted_rows), strict=True):
            for kind, key, day, value in decided:
                if kind == quotes.kind and key in number_of:
                    begin, end = np.searchsorted(quotes.key, [number_of[key], number_of[key] + 1]).tolist()
                    begin, end = (begin + np.searchsorted(quotes.date[begin:end], np.datetime64(day, "D"), side)
                                  for side in ("left", "right"))  # fmt: skip
                    rows |= {row for row in range(begin, end) if quotes.text[row].decode() == value}
        return both

    def flags(self, accepted: set[int], extreme: set[int]) -> dict[int, str]:
        return {
            row: ",".join(flag for flag, rows in ((rules.EXTREME, extreme), (rules.ACCEPTED, accepted)) if row in rows)
            for row in accepted | extreme
        }

    def events(self, actions: Sequence[ActionRow], doubtful: Sequence[ActionRow]) -> dict[int, Events]:
        """By security, what may have moved its closes. A rejected action explains nothing; a doubted one may."""
        of: dict[str, tuple[list[Any], list[Any], list[Any]]] = {}
        for rows, sure in ((actions, True), (doubtful, False)):
            for row in rows:
                splits, dividends, doubted = of.setdefault(row.symbol, ([], [], []))
                ex_date = np.datetime64(row.ex_date, "D")
                if row.action == "split":
                    (splits if sure else doubted).append((ex_date, float(row.ratio or 1)))
                elif row.action == "dividend" and self.basis(row.symbol) != "total_return_adjusted":
                    dividends.append((ex_date, float(row.amount or 0)))
        return {
            number: Events(
                splits=tuple(of[security.symbol][0]),
                dividends=tuple(of[security.symbol][1]),
                doubtful_splits=tuple(of[security.symbol][2]),
                adjusted=self.basis(security.symbol) != "raw",
            )
            for number, security in enumerate(self.reading.securities)
            if security.symbol in of
        }

    def basis(self, symbol: str) -> str:
        if symbol in self.basis_of:
            return self.basis_of[symbol]
        return next(row.price_basis for row in self.reading.securities if row.symbol == symbol)

    # actions

    def judged_actions(self) -> tuple[list[ActionRow], list[ActionRow], frozenset[tuple[str, str, date]]]:
        """What may enter a pack, what is doubted and undecided, and the keys of what was accepted."""
        kept: list[ActionRow] = []
        doubtful: list[ActionRow] = []
        accepted: set[tuple[str, str, date]] = set()
        by_symbol: dict[str, list[ActionRow]] = {}
        for row in self.reading.actions:
            by_symbol.setdefault(row.symbol, []).append(row)
        doubts: dict[ActionRow, list[Suspect]] = {}
        for symbol, rows in by_symbol.items():
            rows.sort(key=lambda row: (row.ex_date, row.action))
            standing = [row for row in rows if _action_row(row) not in self.decisions.rejected]
            fine = [row for row in standing if _action_row(row) in self.decisions.accepted_rows]
            for row, rule, reason in rules.find_doubtful_actions(standing, self.closes_of(symbol), accepted=fine):
                doubts.setdefault(row, []).append(_action_suspect(row, rule, reason))
        for row in self.reading.quarantined:
            doubts.setdefault(row, []).append(
                _action_suspect(row, Rule.SOURCE_DOUBTS, f"its source calls it {row.quality}")
            )
        taken = {(row.symbol, row.action, row.ex_date) for row in self.reading.actions if row not in doubts}
        for row in (*self.reading.actions, *self.reading.quarantined):
            found = doubts.get(row, [])
            self.suspects += found
            if _action_row(row) in self.decisions.rejected:
                continue
            key = (row.symbol, row.action, row.ex_date)
            if not all(map(self.decisions.accepts, found)) or (found and key in taken):
                doubtful.append(row)  # of two actions of a day, the undoubted one stands
                continue
            kept.append(row)
            taken.add(key)
            if found:
                accepted.add(key)
        return kept, doubtful, frozenset(accepted)

    def closes_of(self, symbol: str) -> rules.Closes:
        number = self.closes.keys.index(symbol)
        begin, end = np.searchsorted(self.closes.key, [number, number + 1]).tolist()
        value = self.closes.value[begin:end]
        usable = np.isfinite(value) & (value > 0)
        return rules.Closes(self.closes.date[begin:end][usable], value[usable], self.basis(symbol) != "raw")

    # series

    def judged_observations(self) -> tuple[Mask, dict[int, str]]:
        seen = self.reading.observations
        ids = tuple(row.id for row in self.reading.series)
        value = archive.as_numbers(seen.value)
        rows = Quotes(
            "observation", ids, seen.series, seen.date, seen.value, value, seen.source, self.reading.source_names
        )
        rejected, accepted = self.decided(rows)
        found = [
            (row, rows.suspect(row, Rule.NOT_A_NUMBER, "is no finite number"))
            for row in np.flatnonzero(rules.not_a_number(value)).tolist()
        ]
        found += [
            (row, rows.suspect(row, Rule.FUTURE, f"lies after {self.today}"))
            for row in np.flatnonzero(rules.future_date(seen.date, self.today)).tolist()
        ]
        percent = [not row.unit or row.unit.startswith("percent") for row in self.reading.series]
        readable = np.isfinite(value)
        readable[sorted(rejected)] = False
        numbers = np.flatnonzero(readable)
        place = {int(row): number for number, row in enumerate(numbers)}
        jumps = rules.find_figure_jumps(
            seen.series[numbers],
            value[numbers],
            percent=percent,
            accepted=[place[row] for row in accepted if row in place],
        )
        found += [(int(numbers[row]), rows.suspect(int(numbers[row]), Rule.JUMP, why)) for row, why in jumps.items()]
        left = self.left(rows, found, rejected, ~np.isfinite(value))
        return left.out, self.flags(accepted, set())


def _action_value(row: ActionRow) -> str:
    if row.action == "delisting":
        return ""
    number = row.ratio if row.action == "split" else row.amount
    return format(number or Decimal(0), "f")


def _action_row(row: ActionRow) -> tuple[Kind, str, date, str]:
    return "action", f"{row.symbol}/{row.action}", row.ex_date, _action_value(row)


def _action_suspect(row: ActionRow, rule: Rule, reason: str) -> Suspect:
    kind, key, day, value = _action_row(row)
    return Suspect(kind, key, day, value, rule, reason, row.source)


def _kept(column: npt.NDArray[Any], kept: Mask) -> npt.NDArray[Any]:
    column = column[kept]
    column.flags.writeable = False
    return column


def _renumbered(flags: Mapping[int, str], out: Mask) -> dict[int, str]:
    """Flags by row number once the rows that are out have gone."""
    number = np.cumsum(~out) - 1
    return {int(number[row]): flag for row, flag in flags.items() if not out[row]}
