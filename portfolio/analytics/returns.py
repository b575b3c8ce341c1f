"""Time-weighted and money-weighted returns. Fractions: 0.05 is five percent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from portfolio.analytics import internal_rate
from portfolio.analytics.errors import (
    Bools,
    Floats,
    InvalidInput,
    Measure,
    NotAnnualised,
    TooFewObservations,
    UndefinedRate,
    UndefinedReturn,
    as_floats,
    finite_columns,
    observations,
    require_finite,
    settle,
)

FlowTiming: TypeAlias = Literal["in_start_out_end", "start", "end"]
Dates: TypeAlias = Sequence[date] | npt.NDArray[np.datetime64]

DAYS_A_YEAR = 365.0
HIGHEST = 700.0  # the log rate that float64 can still say
NOISE = 4 * np.finfo(np.float64).eps  # what one addition of equal sizes may leave behind
EPOCH = date(1970, 1, 1).toordinal()  # what datetime64 counts from


def time_weighted_returns(
    values: npt.ArrayLike,
    flows: npt.ArrayLike,
    *,
    outflows: npt.ArrayLike | None = None,
    flow_timing: FlowTiming = "in_start_out_end",
) -> Floats:
    """Sub-period returns with the effect of money moved in or out taken away: (V1 + out) / (V0 + in) - 1.

    values       (D,) or (D, P)  market value at the end of each sub-period, base currency; values[0] opens the first
    flows        same shape      external flow of each sub-period, money in is positive; flows[0] is not read. With
                                 `outflows` both are gross and >= 0
    flow_timing  "in_start_out_end": money in came before the sub-period's gain, money out after it; "start": all
                 before; "end": all after
    returns      (D-1,) or (D-1, P)  not annualised; an empty sub-period (nothing before, nothing after) is 0.0
    raises       UndefinedReturn with the first row that starts at or below zero, InvalidInput for NaN, infinity and
                 gross flows below zero (1-D; in 2-D that whole column is NaN); InvalidInput for shapes and timing,
                 TooFewObservations under two rows
    source       true time-weighted return: a valuation at every external flow (GIPS 2020)
    """
    if flow_timing not in get_args(FlowTiming):
        raise InvalidInput("flow_timing", f"is {flow_timing!r}, one of {', '.join(get_args(FlowTiming))} is needed")
    value = as_floats("values", values)
    money_in, money_out = _gross_flows(value, flows, outflows)
    if value.ndim == 1:
        require_finite("values", value)
        require_finite("flows", np.concatenate([[0.0], money_in - money_out]))
    ok = finite_columns(value) & finite_columns(money_in) & finite_columns(money_out)
    if outflows is not None and value.ndim == 2:
        ok &= ~((money_in < 0) | (money_out < 0)).any(axis=0)
    early, late = _placed(money_in, money_out, flow_timing)
    with np.errstate(all="ignore"):
        begin, end = value[:-1] + early, value[1:] - late
        moved = money_in + money_out
        nothing_before = np.abs(begin) <= NOISE * (np.abs(value[:-1]) + moved)
        nothing_after = np.abs(end) <= NOISE * (np.abs(value[1:]) + moved)
        empty = nothing_before & nothing_after
        measured = empty | ((begin > 0) & ~nothing_before)
        result = np.where(empty, 0.0, end / np.where(measured & ~empty, begin, 1.0) - 1.0)
    measured &= np.isfinite(result)
    if value.ndim == 1:
        if not measured.all():
            row = int(np.argmin(measured)) + 1
            raise UndefinedReturn("starts at or below zero", row)
        return np.asarray(result)
    return np.where(ok & measured.all(axis=0), result, np.nan)


def _gross_flows(value: Floats, flows: npt.ArrayLike, outflows: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """Money in and money out of every sub-period but the unused first; of one series both >= 0."""
    if value.ndim not in (1, 2):
        raise InvalidInput("values", f"has {value.ndim} axes, 1 or 2 are needed")
    if len(value) < 2:
        raise TooFewObservations("values", 2, len(value))
    given = {"flows": as_floats("flows", flows)}
    if outflows is not None:
        given["outflows"] = as_floats("outflows", outflows)
    for name, array in given.items():
        if array.shape != value.shape:
            raise InvalidInput(name, f"has shape {array.shape}, values has {value.shape}")
    if outflows is None:
        net = given["flows"][1:]
        return np.maximum(net, 0.0), np.maximum(-net, 0.0)
    for name, array in given.items() if value.ndim == 1 else ():
        below = array[1:] < 0
        if below.any():
            raise InvalidInput(name, "is below zero", int(np.argmax(below)) + 1)
    return given["flows"][1:], given["outflows"][1:]


def _placed(money_in: Floats, money_out: Floats, flow_timing: FlowTiming) -> tuple[Floats, Floats]:
    """Signed flows before and after the sub-period's gain."""
    if flow_timing == "start":
        return money_in - money_out, np.zeros_like(money_in)
    if flow_timing == "end":
        return np.zeros_like(money_in), money_in - money_out
    return money_in, -money_out


def link(returns: npt.ArrayLike) -> Measure:
    """The return of the whole span: the product of (1 + r), less one.

    returns  (D,) -> float, (D, P) -> (P,); at least one
    raises   InvalidInput, TooFewObservations (1-D); NaN (2-D)
    """
    (r,), ok = observations(1, returns=returns)
    with np.errstate(all="ignore"):
        return settle(np.prod(1.0 + r, axis=0) - 1.0, ok, UndefinedReturn("is too large for a number"))


@dataclass(frozen=True, slots=True)
class PeriodReturns:
    """Linked returns of calendar periods, rising; only those with an observation. The first and last may be partial.

    periods       (K,)            datetime64[M] or [Y]
    returns       (K,) or (K, P)  not annualised; NaN where a column has no answer
    observations  (K,)            how many were linked
    """

    periods: npt.NDArray[np.datetime64]
    returns: Floats
    observations: npt.NDArray[np.int64]


def monthly_returns(dates: Dates, returns: npt.ArrayLike) -> PeriodReturns:
    """Returns linked by calendar month. dates (D,) rising, the day each return ends; returns (D,) or (D, P), D >= 1.

    raises  InvalidInput for shapes, days that fall, NaN and infinity (1-D), TooFewObservations; UndefinedReturn for
            a period too large for a number (1-D; in 2-D that column's period is NaN)
    """
    return _by_period(dates, returns, "datetime64[M]")


def yearly_returns(dates: Dates, returns: npt.ArrayLike) -> PeriodReturns:
    """Returns linked by calendar year; else as monthly_returns."""
    return _by_period(dates, returns, "datetime64[Y]")


def _by_period(dates: Dates, returns: npt.ArrayLike, unit: str) -> PeriodReturns:
    (r,), ok = observations(1, returns=returns)
    days = _day_numbers(dates).astype("datetime64[D]")
    if days.shape != r.shape[:1]:
        raise InvalidInput("dates", f"has shape {days.shape}, returns has {r.shape}")
    if (days[1:] < days[:-1]).any():
        raise InvalidInput("dates", "falls", int(np.argmax(days[1:] < days[:-1])) + 1)
    periods, starts, counts = np.unique(days.astype(unit), return_index=True, return_counts=True)
    with np.errstate(all="ignore"):
        linked = np.multiply.reduceat(1.0 + r, starts, axis=0) - 1.0
    if r.ndim == 1 and not np.isfinite(linked).all():
        raise UndefinedReturn("is too large for a number", int(np.argmin(np.isfinite(linked))))
    return PeriodReturns(periods, np.where(ok & np.isfinite(linked), linked, np.nan), counts.astype(np.int64))


def annualise(total: npt.ArrayLike, days: npt.ArrayLike) -> Measure:
    """The yearly rate that compounds to `total` in `days`: (1 + R)^(365 / days) - 1.

    total, days  a number, or (P,); days as XIRR counts them (a window of N years passes 365 N)
    raises       NotAnnualised under 365 days, UndefinedReturn below -100 %, InvalidInput (numbers); NaN (arrays)
    """
    whole, span = _broadcast(total=total, days=days)
    if whole.ndim == 0 and span < DAYS_A_YEAR:
        raise NotAnnualised(float(span))
    with np.errstate(all="ignore"):
        growth = np.power(np.maximum(1.0 + whole, 0.0), DAYS_A_YEAR / span)
        measured = (span >= DAYS_A_YEAR) & (whole >= -1.0) & np.isfinite(span) & np.isfinite(whole)
        return settle(growth - 1.0, measured, UndefinedReturn("is below -100 %"))


def period_money_weighted_return(annual_rate: npt.ArrayLike, days: npt.ArrayLike) -> Measure:
    """What a yearly rate earns in `days`: (1 + XIRR)^(days / 365) - 1. Shown where a span is too short to annualise.

    annual_rate, days  a number, or (P,); rate >= -1, days >= 0
    raises             InvalidInput, UndefinedReturn (numbers); NaN (arrays)
    """
    rate, span = _broadcast(annual_rate=annual_rate, days=days)
    with np.errstate(all="ignore"):
        growth = np.power(np.maximum(1.0 + rate, 0.0), span / DAYS_A_YEAR)
        measured = (rate >= -1.0) & (span >= 0.0) & np.isfinite(rate) & np.isfinite(span)
        return settle(growth - 1.0, measured, UndefinedReturn("has no period rate"))


def _broadcast(**named: npt.ArrayLike) -> list[Floats]:
    arrays = [as_floats(name, values) for name, values in named.items()]
    try:
        spread = np.broadcast_arrays(*arrays)
    except ValueError as exc:
        raise InvalidInput(" and ".join(named), "have shapes that differ") from exc
    if spread[0].ndim == 0:
        for name, array in zip(named, arrays, strict=True):
            require_finite(name, array)
    return list(spread)


def modified_dietz(begin: npt.ArrayLike, end: npt.ArrayLike, flows: npt.ArrayLike, weights: npt.ArrayLike) -> Measure:
    """Return of one period from its opening and closing value: (V1 - V0 - sum F) / (V0 + sum w F).

    begin, end  a number, or (P,)   market values
    flows       (K,) or (K, P)      external flows, money in is positive; K may be 0
    weights     (K,) or like flows  share of the period that each flow was there, 0 to 1
    returns     float, or (P,); 0.0 where nothing was there and nothing came
    raises      UndefinedReturn where the average capital is not above zero, InvalidInput (numbers); NaN (arrays)
    source      Dietz (1968), day-weighted; GIPS 2020
    """
    start, final = _broadcast(begin=begin, end=end)
    flow, weight = as_floats("flows", flows), as_floats("weights", weights)
    if weight.ndim == 1 and flow.ndim == 2:
        weight = weight[:, None]
    if flow.ndim not in (1, 2) or flow.ndim != weight.ndim or len(flow) != len(weight):
        raise InvalidInput("weights", f"has shape {np.shape(weights)}, flows has {flow.shape}")
    if flow.shape[1:] != start.shape:
        raise InvalidInput("flows", f"has shape {flow.shape}, begin has {start.shape}")
    outside = (weight < 0) | (weight > 1)
    if start.ndim == 0:
        require_finite("flows", flow)
        require_finite("weights", weight)
        if outside.any():
            raise InvalidInput("weights", "lies outside 0 to 1", int(np.argmax(outside)))
    with np.errstate(all="ignore"):
        gain = final - start - flow.sum(axis=0)
        capital = start + (weight * flow).sum(axis=0)
        empty = (gain == 0) & (capital == 0)
        value = np.where(empty, 0.0, gain / np.where(capital == 0, 1.0, capital))
        defined = (empty | (capital > 0)) & ~outside.any(axis=0)
        return settle(value, defined, UndefinedReturn("has no capital above zero"))


@np.errstate(all="ignore")  # what is too large is refused by name, not warned about
def composite_returns(components: npt.ArrayLike, weights: npt.ArrayLike, rebalanced: npt.ArrayLike) -> Floats:
    """Returns of a fixed-weight composite.

    components  (D, K)  returns of its components
    weights     (K,)    sum to 1
    rebalanced  (D,)    True where the day opens at the weights again; the first day always does. All True is daily,
                        all False is never
    returns     (D,)
    raises      InvalidInput, UndefinedReturn where the composite falls to nothing or grows beyond any number
    """
    parts, target = as_floats("components", components), as_floats("weights", weights)
    reset: Bools = np.asarray(rebalanced, dtype=np.bool_)
    if parts.ndim != 2 or target.shape != parts.shape[1:] or reset.shape != parts.shape[:1]:
        raise InvalidInput("weights", f"has shape {target.shape}, components {parts.shape}, rebalanced {reset.shape}")
    require_finite("components", parts)
    require_finite("weights", target)
    if abs(target.sum() - 1.0) > 1e-9:
        raise InvalidInput("weights", "do not sum to 1")
    out = np.empty(len(parts))
    starts = np.flatnonzero(reset | (np.arange(len(parts)) == 0))
    for first, after in zip(starts, [*starts[1:], len(parts)], strict=True):
        index = np.concatenate([[1.0], np.cumprod(1.0 + parts[first:after], axis=0) @ target])
        if not np.isfinite(index).all():
            raise UndefinedReturn("is too large for a number", int(first + np.argmin(np.isfinite(index)) - 1))
        if (index[:-1] <= 0).any():
            raise UndefinedReturn("starts at or below zero", int(first + np.argmax(index[:-1] <= 0)))
        out[first:after] = index[1:] / index[:-1] - 1.0
    return out


def money_weighted_return(dates: Dates, amounts: npt.ArrayLike, *, days: npt.ArrayLike = DAYS_A_YEAR) -> Measure:
    """The yearly rate at which all flows are worth nothing together (XIRR, ACT/365).

    dates    (D,) or (D, P)  days in any order; several flows on one day are netted. With (D, P) each column has days of
                             its own; a shorter one ends in zero amounts on its last day
    amounts  (D,) or (D, P)  money put in is negative, money taken out and the closing value positive; a zero is no flow
    days     a number, or (P,): what the rate is told for. 365 is a year; fewer, and it is (1 + rate)^(days / 365) - 1,
             made from the rate's logarithm: a short period has its return also where the yearly rate is beyond float64
    returns  float, or (P,); the only rate above -100 % with net present value zero. Beside another root one that
             multiplies or divides money by more than 1e9 a year is not counted
    raises   UndefinedRate: "no_sign_change" (all zero, all of one sign, one day), "no_root", "several_roots" (with the
             roots: none is chosen), "out_of_range"; InvalidInput for NaN, infinity, shapes. In 2-D what concerns one
             column is NaN
    source   Newton; the rate is unique when the balance carried at it never changes sign (Soper 1959), else all roots
             are isolated by interval bounds on the discounted inflows and outflows
    """
    span = as_floats("days", days) / DAYS_A_YEAR
    if not ((span > 0) & (span < np.inf)).all():
        raise InvalidInput("days", "is no finite number above zero")
    return _rates(_day_numbers(dates), amounts, DAYS_A_YEAR, span)


def _day_numbers(dates: Dates) -> npt.NDArray[np.int64]:
    if not isinstance(dates, np.ndarray) and all(isinstance(day, date) for day in dates):
        return np.fromiter((day.toordinal() - EPOCH for day in dates), dtype=np.int64, count=len(dates))
    try:
        days = np.asarray(dates, dtype="datetime64[D]")
    except (TypeError, ValueError) as exc:
        raise InvalidInput("dates", "is not an array of days") from exc
    if days.ndim not in (1, 2) or np.isnat(days).any():
        raise InvalidInput("dates", "is not an array of days")
    return days.view(np.int64)


def periodic_irr(amounts: npt.ArrayLike) -> Measure:
    """The rate per period at which evenly spaced flows are worth nothing together.

    amounts, returns, raises  as money_weighted_return
    """
    table = as_floats("amounts", amounts)
    return _rates(np.arange(len(table) if table.ndim else 0), table, 1.0, np.ones(()))


def _rates(moments: npt.NDArray[np.int64], amounts: npt.ArrayLike, unit: float, span: Floats) -> Measure:
    """Over `span` units. A rate so near -100 % that float64 can't tell it from there is out of range."""
    table = as_floats("amounts", amounts)
    if table.ndim not in (1, 2) or moments.shape not in (table.shape, table.shape[:1]):
        raise InvalidInput("amounts", f"has shape {table.shape}, dates has {moments.shape}")
    if span.shape not in ((), table.shape[1:]):
        raise InvalidInput("days", f"has shape {span.shape}, amounts has {table.shape}")
    if (moments[1:] < moments[:-1]).any():
        order = np.argsort(moments, axis=0, kind="stable")
        moments = np.take_along_axis(moments, order, axis=0)
        table = table[order] if order.ndim == 1 else np.take_along_axis(table, order, axis=0)
    if table.ndim == 2:
        return _rate_of_each(moments, table, unit, span)
    if len(table) < 2:
        raise TooFewObservations("amounts", 2, len(table))
    require_finite("amounts", table)
    log_rate = internal_rate.log_rate(moments, table, unit) * float(span)
    rate = float(np.expm1(min(log_rate, HIGHEST)))
    if log_rate > HIGHEST or rate == -1.0:
        raise UndefinedRate("out_of_range")
    return rate


def _rate_of_each(moments: npt.NDArray[np.int64], table: Floats, unit: float, span: Floats) -> Floats:
    finite = finite_columns(table)
    log_rates = internal_rate.log_rates(moments, table if finite.all() else np.where(finite, table, 0.0), unit) * span
    with np.errstate(all="ignore"):
        rates = np.expm1(log_rates)
        return np.where((log_rates <= HIGHEST) & (rates > -1.0), rates, np.nan)
