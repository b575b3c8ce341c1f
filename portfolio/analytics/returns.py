"""Time-weighted and money-weighted returns. Fractions: 0.05 is five percent."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from portfolio.analytics.annual import DAYS_A_YEAR, annualise, period_money_weighted_return
from portfolio.analytics.calendar_returns import PeriodReturns, monthly_returns, yearly_returns
from portfolio.analytics.composites import composite_returns
from portfolio.analytics.days import Dates
from portfolio.analytics.errors import (
    Floats,
    InvalidInput,
    Measure,
    TooFewObservations,
    UndefinedReturn,
    as_floats,
    finite_columns,
    observations,
    require_finite,
    settle,
)
from portfolio.analytics.money_weighted import modified_dietz, money_weighted_return, periodic_irr

__all__ = [
    "DAYS_A_YEAR", "Dates", "FlowTiming", "PeriodReturns", "annualise", "composite_returns", "link", "modified_dietz",
    "money_weighted_return", "monthly_returns", "period_money_weighted_return", "periodic_irr", "time_weighted_returns",
    "yearly_returns",
]  # fmt: skip

FlowTiming: TypeAlias = Literal["in_start_out_end", "start", "end"]
NOISE = 4 * np.finfo(np.float64).eps  # what one addition of equal sizes may leave behind


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
        turnover = money_in + money_out
        nothing_before = np.abs(begin) <= NOISE * (np.abs(value[:-1]) + turnover)
        nothing_after = np.abs(end) <= NOISE * (np.abs(value[1:]) + turnover)
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
    flow_arrays = {"flows": as_floats("flows", flows)}
    if outflows is not None:
        flow_arrays["outflows"] = as_floats("outflows", outflows)
    for name, array in flow_arrays.items():
        if array.shape != value.shape:
            raise InvalidInput(name, f"has shape {array.shape}, values has {value.shape}")
    if outflows is None:
        net = flow_arrays["flows"][1:]
        return np.maximum(net, 0.0), np.maximum(-net, 0.0)
    for name, array in flow_arrays.items() if value.ndim == 1 else ():
        below = array[1:] < 0
        if below.any():
            raise InvalidInput(name, "is below zero", int(np.argmax(below)) + 1)
    return flow_arrays["flows"][1:], flow_arrays["outflows"][1:]


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
