"""Money-weighted returns: the internal rate, and the Dietz approximation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from portfolio.analytics import internal_rate
from portfolio.analytics.annual import DAYS_A_YEAR, broadcast
from portfolio.analytics.days import Dates, day_numbers
from portfolio.analytics.errors import (
    Floats,
    InvalidInput,
    Measure,
    TooFewObservations,
    UndefinedRate,
    UndefinedReturn,
    as_floats,
    finite_columns,
    require_finite,
    settle,
)

HIGHEST = 700.0  # the log rate that float64 can still say


def money_weighted_return(dates: Dates, amounts: npt.ArrayLike, *, days: npt.ArrayLike = DAYS_A_YEAR) -> Measure:
    """The yearly rate at which all flows are worth nothing together (XIRR, ACT/365).

    dates    (D,) or (D, P)  days in any order; several flows on one day are netted. With (D, P) each column has days of
                             its own; a shorter one ends in zero amounts on its last day
    amounts  (D,) or (D, P)  money put in is negative, money taken out and the closing value positive; a zero is no flow
    days     a number, or (P,): the days that the rate is stated for. 365 is a year; fewer, and it is (1 + rate)^(days / 365) - 1,
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
    return _rates(day_numbers(dates), amounts, DAYS_A_YEAR, span)


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


def modified_dietz(begin: npt.ArrayLike, end: npt.ArrayLike, flows: npt.ArrayLike, weights: npt.ArrayLike) -> Measure:
    """Return of one period from its opening and closing value: (V1 - V0 - sum F) / (V0 + sum w F).

    begin, end  a number, or (P,)   market values
    flows       (K,) or (K, P)      external flows, money in is positive; K may be 0
    weights     (K,) or like flows  share of the period that each flow was there, 0 to 1
    returns     float, or (P,); 0.0 where nothing was there and nothing came
    raises      UndefinedReturn where the average capital is not above zero, InvalidInput (numbers); NaN (arrays)
    source      Dietz (1968), day-weighted; GIPS 2020
    """
    start, final = broadcast(begin=begin, end=end)
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
