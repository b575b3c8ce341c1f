"""Where a return came from: local prices, currencies, holdings, decisions against a benchmark. Parts sum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Floats, InvalidInput, UndefinedReturn, as_floats, require_finite

WEIGHT_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Effects:
    """Local, FX and interaction parts of one return; local + fx + interaction is that return."""

    local: float
    fx: float
    interaction: float


@dataclass(frozen=True, slots=True)
class HoldingEffects:
    """Linked parts per holding, each (N,), and `other`, the linked FX effect that belongs to none."""

    local: Floats
    fx: Floats
    interaction: Floats
    other: float

    @property
    def total(self) -> Floats:
        """(N,) what each holding added to the portfolio's return."""
        return np.asarray(self.local + self.fx + self.interaction)


@dataclass(frozen=True, slots=True)
class DailyEffects:
    """Unlinked parts of each day, each (D,); fx holds `other`; the three sum to total."""

    local: Floats
    fx: Floats
    interaction: Floats
    total: Floats


@dataclass(frozen=True, slots=True)
class CurrencyAttribution:
    """Two views of one return R, never to be mixed.

    compounded    the headline: L the linked local return, F = (1 + R) / (1 + L) - 1, I = L F
    contribution  the Carino-linked sums over all holdings, `other` within fx
    holdings      the same per holding
    daily         before linking
    """

    total: float
    compounded: Effects
    contribution: Effects
    holdings: HoldingEffects
    daily: DailyEffects


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def currency_attribution(
    local_returns: npt.ArrayLike,
    fx_returns: npt.ArrayLike,
    weights: npt.ArrayLike,
    *,
    other: npt.ArrayLike | None = None,
) -> CurrencyAttribution:
    """The local, FX and interaction parts of a portfolio's return.

    local_returns  (D, N)  return of each holding in its own currency, per day; foreign cash is a holding
    fx_returns     (D, N)  return of that currency in base currency
    weights        (D, N)  (V0 + in) / sum(V0 + in); base cash may be left out: it adds nothing
    other          (D,)    return of the day that belongs to no holding and counts as FX (deals against the fixing)
    raises         InvalidInput (NaN, infinity, shapes), UndefinedReturn where a day or the span ends at or below -100 %
    source         effects w l, w f, w l f with base = (1 + l)(1 + f) - 1; linking: Carino (1999)
    """
    local, fx, weight = (
        _table(name, values)
        for name, values in (("local_returns", local_returns), ("fx_returns", fx_returns), ("weights", weights))
    )
    _same_shape(local, fx_returns=fx, weights=weight)
    unallocated = np.zeros(len(local)) if other is None else as_floats("other", other)
    if unallocated.shape != local.shape[:1]:
        raise InvalidInput("other", f"has shape {unallocated.shape}, local_returns has {local.shape}")
    require_finite("other", unallocated)

    parts = [weight * local, weight * fx, weight * local * fx]
    by_day = [part.sum(axis=1) for part in parts]
    by_day[1] = by_day[1] + unallocated
    totals = np.asarray(by_day[0] + by_day[1] + by_day[2])
    total, scale = _carino(totals)
    local_linked, fx_linked, interaction_linked = (scale @ part for part in parts)
    other_linked = float(scale @ unallocated)

    local_only = _linked(by_day[0])
    fx_only = (1.0 + total) / (1.0 + local_only) - 1.0
    return CurrencyAttribution(
        total=total,
        compounded=Effects(local_only, fx_only, local_only * fx_only),
        contribution=Effects(
            float(local_linked.sum()), float(fx_linked.sum()) + other_linked, float(interaction_linked.sum())
        ),
        holdings=HoldingEffects(local_linked, fx_linked, interaction_linked, other_linked),
        daily=DailyEffects(by_day[0], by_day[1], by_day[2], totals),
    )


def contributions(
    opening: npt.ArrayLike, inflows: npt.ArrayLike, closing: npt.ArrayLike, outflows: npt.ArrayLike
) -> Floats:
    """What each row of the books added to the day's return: its money gain / the portfolio's (V0 + in).

    opening, inflows, closing, outflows  (N,) or (D, N)  rows for cash and unallocated fees included, flows >= 0
    returns                              same shape; the sum over N is the day's return
    raises                               InvalidInput; UndefinedReturn with the first day that opens at or below zero
                                         or whose sums are too large for a number
    """
    start, money_in, end, money_out = (
        _table(name, values)
        for name, values in (
            ("opening", opening),
            ("inflows", inflows),
            ("closing", closing),
            ("outflows", outflows),
        )
    )
    _same_shape(start, inflows=money_in, closing=end, outflows=money_out)
    with np.errstate(all="ignore"):
        base = (start + money_in).sum(axis=1, keepdims=True)
        gain = end + money_out - start - money_in
    _require_numbers(np.column_stack([base, gain]))
    undefined = (base[:, 0] <= 0) & (gain != 0).any(axis=1)
    if undefined.any():
        raise UndefinedReturn("opens at or below zero", int(np.argmax(undefined)))
    result = gain / np.where(base > 0, base, 1.0)
    return np.asarray(result[0] if np.ndim(opening) == 1 else result)


def hedged_returns(
    local_returns: npt.ArrayLike,
    fx_returns: npt.ArrayLike,
    base_rate: npt.ArrayLike,
    foreign_rate: npt.ArrayLike,
    *,
    years: float = 1 / 12,
) -> Floats:
    """Return with the opening value sold forward: l + p + l f, p the forward premium from two rates of the term.

    base_rate, foreign_rate  yearly, simple, in decimal; years: the term
    raises                   InvalidInput (NaN, infinity, shapes that do not go together, a rate of -100 % over the
                             term), UndefinedReturn for what is too large for a number
    """
    local, fx = as_floats("local_returns", local_returns), as_floats("fx_returns", fx_returns)
    base, foreign = as_floats("base_rate", base_rate), as_floats("foreign_rate", foreign_rate)
    for name, values in (("local_returns", local), ("fx_returns", fx), ("base_rate", base), ("foreign_rate", foreign)):
        require_finite(name, values)
    try:
        np.broadcast_shapes(local.shape, fx.shape, base.shape, foreign.shape)
    except ValueError as exc:
        raise InvalidInput("local_returns, fx_returns and rates", "have shapes that differ") from exc
    if (1.0 + foreign * years <= 0).any():
        raise InvalidInput("foreign_rate", "is at or below -100 % over the term")
    with np.errstate(all="ignore"):
        premium = (1.0 + base * years) / (1.0 + foreign * years) - 1.0
        hedged = np.asarray(local + premium + local * fx)
    _require_numbers(hedged)
    return hedged


def carino_link(daily: npt.ArrayLike, totals: npt.ArrayLike) -> Floats:
    """Daily contributions scaled so that they sum over days to the linked return.

    daily    (D, K)  contributions; where each row sums to the day's total, the result sums to the linked total
    totals   (D,)    the day's whole return
    returns  (K,)
    raises   InvalidInput, UndefinedReturn where a day or the span ends at or below -100 %
    source   Carino (1999): k = ln(1 + r) / r
    """
    parts, whole = _table("daily", daily), as_floats("totals", totals)
    if whole.shape != parts.shape[:1]:
        raise InvalidInput("totals", f"has shape {whole.shape}, daily has {parts.shape}")
    require_finite("totals", whole)
    with np.errstate(all="ignore"):
        linked = np.asarray(_carino(whole)[1] @ parts)
    _require_numbers(linked)
    return linked


@dataclass(frozen=True, slots=True)
class Brinson:
    """Active return by decision and segment, each (S,), linked; the three sum to excess = portfolio - benchmark."""

    portfolio: float
    benchmark: float
    excess: float
    allocation: Floats
    selection: Floats
    interaction: Floats


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def brinson(
    weights: npt.ArrayLike,
    returns: npt.ArrayLike,
    benchmark_weights: npt.ArrayLike,
    benchmark_returns: npt.ArrayLike,
) -> Brinson:
    """Brinson-Fachler attribution against a benchmark, interaction apart.

    weights, returns, benchmark_weights, benchmark_returns  each (S,) or (D, S); the two weights of a day sum alike
    raises  InvalidInput, UndefinedReturn where a day or the span ends at or below -100 %
    source  Brinson and Fachler (1985): (wp - wb)(rb - Rb), wb (rp - rb), (wp - wb)(rp - rb); linking: Carino (1999)
    """
    own, earned, bench, bench_earned = (
        _table(name, values)
        for name, values in (
            ("weights", weights),
            ("returns", returns),
            ("benchmark_weights", benchmark_weights),
            ("benchmark_returns", benchmark_returns),
        )
    )
    _same_shape(own, returns=earned, benchmark_weights=bench, benchmark_returns=bench_earned)
    apart = np.abs(own.sum(axis=1) - bench.sum(axis=1)) > WEIGHT_TOLERANCE
    if apart.any():
        raise InvalidInput("weights", "do not sum to what the benchmark's do", int(np.argmax(apart)))
    daily, bench_daily = (own * earned).sum(axis=1), (bench * bench_earned).sum(axis=1)
    total, bench_total, scale = _carino_excess(daily, bench_daily)
    return Brinson(
        portfolio=total,
        benchmark=bench_total,
        excess=total - bench_total,
        allocation=scale @ ((own - bench) * (bench_earned - bench_daily[:, None])),
        selection=scale @ (bench * (earned - bench_earned)),
        interaction=scale @ ((own - bench) * (earned - bench_earned)),
    )


def _table(name: str, values: npt.ArrayLike) -> Floats:
    """(N,) is one day."""
    array = as_floats(name, values)
    if array.ndim not in (1, 2):
        raise InvalidInput(name, f"has {array.ndim} axes, 1 or 2 are needed")
    table = np.atleast_2d(array)
    if not table.size:
        raise InvalidInput(name, "is empty")
    require_finite(name, table)
    return table


def _same_shape(first: Floats, **others: Floats) -> None:
    for name, array in others.items():
        if array.shape != first.shape:
            raise InvalidInput(name, f"has shape {array.shape}, the first argument has {first.shape}")


def _require_numbers(values: Floats) -> None:
    if not np.isfinite(values).all():
        raise UndefinedReturn("is too large for a number")


def _linked(daily: Floats) -> float:
    """The return of the span. A single day is itself, without the rounding of 1 + r - 1."""
    if (daily <= -1.0).any():
        raise UndefinedReturn("ends at or below -100 %", int(np.argmax(daily <= -1.0)))
    total = float(daily[0]) if len(daily) == 1 else float(np.prod(1.0 + daily) - 1.0)
    if not -1.0 < total < np.inf:
        raise UndefinedReturn("is out of range")
    return total


def _log_slope(r: Floats, b: Floats) -> Floats:
    """(ln(1 + r) - ln(1 + b)) / (r - b), and its limit where they meet."""
    relative = (r - b) / (1.0 + b)
    same = relative == 0.0
    return np.asarray(np.where(same, 1.0, np.log1p(relative) / np.where(same, 1.0, relative)) / (1.0 + b))


def _carino(daily: Floats) -> tuple[float, Floats]:
    total, _, scale = _carino_excess(daily, np.zeros_like(daily))
    return total, scale


def _carino_excess(daily: Floats, bench_daily: Floats) -> tuple[float, float, Floats]:
    """Linked return, linked benchmark, and each day's factor (D,) that makes excess returns sum."""
    total, bench_total = _linked(daily), _linked(bench_daily)
    if len(daily) == 1:
        return total, bench_total, np.ones(1)
    return total, bench_total, _log_slope(daily, bench_daily) / _log_slope(np.array(total), np.array(bench_total))
