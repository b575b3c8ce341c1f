"""Newton's method on the rates of many series, and whether each rate is the only one."""

from __future__ import annotations

import numpy as np

from portfolio.analytics.errors import Bools, Floats
from portfolio.analytics.internal_rate.flows import Flows, Ints

SWEEPS = 40


def solve(flows: Flows) -> tuple[Floats, Bools]:
    """The log rate of each series, and for which it is known to be the only one. The others need `search`.

    returns  (P,), (P,)
    source   the rate is unique when the balance carried at it never changes sign (Soper 1959)
    """
    if len(flows.amounts) < 2:
        return np.zeros(flows.amounts.shape[1]), np.zeros(flows.amounts.shape[1], dtype=np.bool_)
    rates, converged, only = _newton(flows)
    stray = np.flatnonzero(~converged)
    if len(stray):
        rates[stray], converged[stray] = _careful_newton(flows.select(stray), len(stray))
    doubtful = np.flatnonzero(converged & ~only)
    if len(doubtful):
        only[doubtful] = _is_only(flows.select(doubtful), rates[doubtful])[: len(doubtful)]
    return rates, only


def _newton(flows: Flows) -> tuple[Floats, Bools, Bools]:
    """Steps of Halley on the net present value.

    returns  (P,) log rates, (P,) converged, (P,) of these the balance carried at the rate clearly never turns
    """
    amounts, times = flows.amounts, flows.times
    timed = amounts * times
    bent, factors = timed * times, np.empty_like(times)
    ends = times.max(axis=0, initial=0.0)
    with np.errstate(all="ignore"):
        at, size, both = _start(flows, timed, bent)
        close = np.zeros(len(at), dtype=np.bool_)
        for _ in range(6):
            here = at
            np.exp(np.multiply(times, -at, out=factors), out=factors)  # a fresh table each time takes twice as long
            slope = _sums(timed, factors)
            step = _sums(amounts, factors) / slope
            bend = step * _sums(bent, factors) / (2 * slope)
            curved = np.abs(bend) < 0.5
            at = np.where(close, at, at + np.where(curved, step / (1 - bend), step))  # what has arrived stays
            # Where the balance keeps its sign, a step misses at most half its cube times the square of the span.
            close |= curved & (np.abs(step) ** 3 * ends * ends <= 1e-16 * np.maximum(1.0, np.abs(at)))
            if close.all():
                break
        converged = close & both & (np.abs(at) < 1e5)
        shift, most = np.abs(at - here) * ends, size * np.exp(np.maximum(0.0, -here * ends))
        balance = np.cumsum(np.multiply(amounts, factors, out=factors), axis=0, out=factors)[:-1]
        return at, converged, converged & _clearly_never_turns(balance, most, shift)


def _start(flows: Flows, timed: Floats, bent: Floats) -> tuple[Floats, Floats, Bools]:
    """Where log(inflows / outflows), almost a straight line in the log rate, would be zero by its slope and bend at 0.

    returns  (P,) log rates, (P,) sums of the sizes, (P,) there are both inflows and outflows
    """
    net, net_1, net_2 = flows.amounts.sum(axis=0), timed.sum(axis=0), bent.sum(axis=0)
    sizes = np.abs(flows.amounts)
    size = sizes.sum(axis=0)
    sizes *= flows.times
    size_1, size_2 = sizes.sum(axis=0), _sums(sizes, flows.times)
    inflow, outflow = size + net, size - net
    gain_1, loss_1 = (size_1 + net_1) / inflow, (size_1 - net_1) / outflow
    spread = (size_2 + net_2) / inflow - gain_1 * gain_1 - (size_2 - net_2) / outflow + loss_1 * loss_1
    step = np.log(inflow / outflow) / (gain_1 - loss_1)
    bend = step * spread / (2 * (gain_1 - loss_1))
    return np.where(np.abs(bend) < 0.5, step / (1 - bend), step), size, (inflow > 0) & (outflow > 0)


def _clearly_never_turns(balance: Floats, most: Floats, shift: Floats) -> Bools:
    """The balance keeps its sign at every flow, beyond any rounding. False is no answer.

    balance  (K - 1, P)  the present value of the flows so far, at a rate near the one found
    most     (P,)        not less than the sum of the present values' sizes
    shift    (P,)        how far that rate is from the one found, times the span: by so much of its size each flow's
                         present value may be another
    """
    doubt = (1e-10 + 2.0 * shift) * most
    clear = (balance.min(axis=0, initial=np.inf) > doubt) | (balance.max(axis=0, initial=-np.inf) < -doubt)
    return np.asarray(clear & (shift < 0.5))


def _all_before(early: Bools, late: Bools) -> Bools:
    """(P,) no flow of the one kind comes after one of the other."""
    last = len(early) - early[::-1].argmax(axis=0)
    return np.asarray(last <= late.argmax(axis=0))


def _careful_newton(flows: Flows, series: int) -> tuple[Floats, Bools]:
    """Newton on log(inflows / outflows), which is almost a straight line in the log rate, of the first so many series.

    Where the flows change their sign once that line only falls or only rises: each step narrows where the root lies,
    and one that leaves this bracket is replaced by its middle.

    returns  (P,) log rates, (P,) converged
    """
    gains, losses = flows.amounts > 0, flows.amounts < 0
    bracketed = _all_before(gains, losses) | _all_before(losses, gains)
    size = flows.amounts.shape[1]
    log_rates, converged = np.zeros(size), np.zeros(size, dtype=np.bool_)
    at, low, high = np.zeros(size), np.full(size, -np.inf), np.full(size, np.inf)
    active, goes_on, times, ends = np.arange(size), np.ones(size, dtype=np.bool_), flows.times, flows.times.max(axis=0)
    inflows, outflows = np.maximum(flows.amounts, 0.0), np.maximum(-flows.amounts, 0.0)
    inflows_timed, outflows_timed = inflows * times, outflows * times
    with np.errstate(all="ignore"):
        for _ in range(SWEEPS):
            factors = _factors(times, ends, at)
            inflow, outflow = _sums(inflows, factors), _sums(outflows, factors)
            gap = _sums(inflows_timed, factors) / inflow - _sums(outflows_timed, factors) / outflow
            step = np.log(inflow / outflow) / gap
            low, high = np.where(step > 0, at, low), np.where(step < 0, at, high)
            following = at + step
            strays = bracketed & np.isfinite(low + high) & ~((low <= following) & (following <= high))
            following = np.where(strays, (low + high) / 2, following)
            lives = np.abs(following) < 1e5
            # What a step misses is at most its square times span^2 / (8 gap): a small one leaves nothing to correct.
            missed = step * step * ends * ends / (8 * np.abs(gap))
            close = lives & ~strays & (missed <= 1e-16 * np.maximum(1.0, np.abs(following)))
            at = np.where(goes_on, following, at)  # what has arrived stays, whatever the others need
            log_rates[active], converged[active] = at, converged[active] | (goes_on & close)
            goes_on &= lives & ~close
            left = np.count_nonzero(goes_on)
            if left == 0:
                break
            if 2 < 2 * left <= len(at):  # the few that are left are not worth a sweep over all
                remaining = np.flatnonzero(goes_on) if left > 1 else np.repeat(np.flatnonzero(goes_on), 2)
                active, goes_on, ends, bracketed = (
                    active[remaining],
                    goes_on[remaining],
                    ends[remaining],
                    bracketed[remaining],
                )
                at, low, high = at[remaining], low[remaining], high[remaining]
                times, inflows, outflows, inflows_timed, outflows_timed = (
                    _columns(table, remaining) for table in (times, inflows, outflows, inflows_timed, outflows_timed)
                )
    return log_rates[:series], converged[:series]


def _columns(table: Floats, places: Ints) -> Floats:
    """Row after row in memory: that decides in which order a column is added."""
    return np.take(table, places, axis=1)


def _factors(times: Floats, ends: Floats, log_rates: Floats) -> Floats:
    """Discount factors; where one would overflow, all of that series seen from the other end of its span."""
    exponent = times * -log_rates
    vast = log_rates * ends < -600.0
    if vast.any():
        exponent += np.where(vast, log_rates * ends, 0.0)
    return np.exp(exponent, out=exponent)


def _sums(amounts: Floats, factors: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->j", amounts, factors))


def _is_only(flows: Flows, roots: Floats) -> Bools:
    """There is no other root above -100 %. False is no answer.

    With the flows discounted at the root, the balance S that is carried between them stands for the present value at another rate:
    that is the integral of x S(t) exp(-x t), x the log rate less the root's. It is never zero again where S keeps its sign,
    or, parts being integrated once more, where the integral of S up to each moment and the one from it on both do.
    """
    with np.errstate(all="ignore"):
        log_rates = np.resize(roots, flows.amounts.shape[1])
        value = flows.amounts * _factors(flows.times, flows.times.max(axis=0), log_rates)
    size = np.abs(value)
    before, size_before = np.cumsum(value, axis=0)[:-1], np.cumsum(size, axis=0)[:-1]
    after, size_after = -np.cumsum(value[::-1], axis=0)[-2::-1], np.cumsum(size[::-1], axis=0)[-2::-1]
    # What is carried after a flow is also, with the sign turned, the present value of all later flows: the smaller of the two
    # sums is taken, so that a small late flow is not lost in the rounding of large early ones.
    late = size_after < size_before
    balance, noise = np.where(late, after, before), 1e-13 * np.where(late, size_after, size_before)
    spans = np.diff(np.maximum.accumulate(flows.times, axis=0), axis=0)  # what is no flow has no time of its own
    carried, doubt = balance * spans, noise * spans
    return _keeps_sign(balance, noise) | (
        _keeps_sign(np.cumsum(carried, axis=0), np.cumsum(doubt + 1e-15 * np.abs(carried), axis=0))
        & _keeps_sign(np.cumsum(carried[::-1], axis=0), np.cumsum((doubt + 1e-15 * np.abs(carried))[::-1], axis=0))
    )


def _keeps_sign(values: Floats, noise: Floats) -> Bools:
    return np.asarray(~((values > noise).any(axis=0) & (values < -noise).any(axis=0)))
