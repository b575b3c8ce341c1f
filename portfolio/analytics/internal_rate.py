"""The internal rate of return of many series at once: Newton for all, and what it leaves open decided one by one.

What is found for one series does not depend on the others it is solved with, to the last bit: sums run along axis 0,
row by row. NumPy adds a single column in another order, so that one is solved beside itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from portfolio.analytics.errors import Bools, Floats, UndefinedRate

Ints = npt.NDArray[np.int64]

WILD = float(np.log(1e9))  # no year multiplies money by this, or divides it
NOISE = 4 * np.finfo(np.float64).eps  # what one addition of equal sizes may leave behind
SWEEPS = 40
GRID = np.linspace(0.0, 1.0, 33) ** 2  # where roots are first looked for, finer where most of them are
BLOCK = 100_000  # flows solved together: enough to outweigh the calls, few enough for a core's cache


def log_rates(moments: Ints, table: Floats, unit: float) -> Floats:
    """The log rate of each column; NaN where there is none, or more than one.

    moments  (D,) or (D, P)  rising
    table    (D, P)          finite amounts
    unit     moments in a year (or a period)
    """
    found = np.empty(table.shape[1])
    width = max(1, BLOCK // max(1, len(table)))
    room = np.empty((5, len(table) * max(2, min(width, len(found)))))
    for first in range(0, len(found), width):
        here = slice(first, first + width)
        flows = Flows.of(moments if moments.ndim == 1 else moments[:, here], table[:, here], unit, room)
        rates, only = solve(flows)
        for series in np.flatnonzero(~only):
            try:
                rates[series] = search(flows, int(series), float(rates[series]))
            except UndefinedRate:
                rates[series] = np.nan
        found[here] = rates[: len(found[here])]
    return found


def log_rate(moments: Ints, amounts: Floats, unit: float) -> float:
    """The log rate of one series (D,). raises UndefinedRate as `search` does."""
    flows = Flows.of(moments, amounts[:, None], unit, np.empty((5, 2 * len(amounts))))
    rates, only = solve(flows)
    return float(rates[0]) if only[0] else search(flows, 0, float(rates[0]))


@dataclass(frozen=True, slots=True)
class Flows:
    """Of P >= 2 series the flows at different times; the largest near 1. A zero is no flow.

    amounts, times  (K, P)     times in years (or periods) since the first flow
    room            (3, K, P)  tables to work in: fresh ones would cost more than the work
    """

    amounts: Floats
    times: Floats
    room: Floats

    @classmethod
    def of(cls, moments: Ints, table: Floats, unit: float, room: Floats) -> Flows:
        if table.shape[1] == 1:
            table, moments = np.repeat(table, 2, axis=1), moments.reshape(len(moments), 1)
        moments = np.broadcast_to(moments if moments.ndim == 2 else moments[:, None], table.shape)
        largest = np.maximum(table.max(axis=0, initial=0.0), -table.min(axis=0, initial=0.0))
        amounts, times, *_ = tables = room[:, : table.size].reshape(5, *table.shape)
        np.multiply(table, np.ldexp(1.0, -np.maximum(np.frexp(largest)[1], -1000)), out=amounts)
        there = amounts != 0
        if 2 * np.count_nonzero(there) <= there.size:
            amounts, moments = _gathered(amounts, moments)
            tables = room[:, : amounts.size].reshape(5, *amounts.shape)
            tables[0], there = amounts, amounts != 0
            amounts, times, *_ = tables
        np.copyto(times, moments)
        if _net(*tables[:3]):
            np.not_equal(amounts, 0.0, out=there)
        if len(amounts):
            times -= times[there.argmax(axis=0), np.arange(times.shape[1])]
            times /= unit
            if not (there[0].all() and there[-1].all()):  # what is no flow lies outside the span at most there
                times *= there
        return cls(amounts, times, tables[2:])

    def select(self, chosen: Ints) -> Flows:
        """Only these series; one alone is there twice."""
        chosen = np.repeat(chosen, 2) if len(chosen) == 1 else chosen
        amounts = _columns(self.amounts, chosen)
        return Flows(amounts, _columns(self.times, chosen), np.empty((3, *amounts.shape)))


def _gathered(amounts: Floats, moments: Ints) -> tuple[Floats, Ints]:
    """The flows of each column moved together at its top."""
    series, row = np.nonzero(np.ascontiguousarray(amounts.T))
    counts = np.bincount(series, minlength=amounts.shape[1])
    place = np.arange(len(series)) - (np.cumsum(counts) - counts)[series], series
    shape = int(counts.max(initial=0)), len(counts)
    amount, moment = np.zeros(shape), np.full(shape, -1)
    amount[place], moment[place] = amounts[row, series], moments[row, series]
    return amount, moment


def _net(amounts: Floats, moments: Floats, room: Floats) -> bool:
    """In place: flows of one moment become one, the last of them. Whether there were any."""
    joined = np.flatnonzero(moments[1:] == moments[:-1])
    if not len(joined):
        return False
    below, flat, sizes = amounts.shape[1], amounts.reshape(-1), np.abs(amounts, out=room).reshape(-1)
    waits = np.zeros(amounts.size, dtype=np.bool_)
    while len(joined):  # once for each flow that a moment has more than one
        waits[:] = False
        waits[joined + below] = True
        ready = joined[~waits[joined]]
        into, joined = ready + below, joined[waits[joined]]
        flat[into] += flat[ready]
        sizes[into] += sizes[ready]
        flat[ready] = 0.0
        flat[into[np.abs(flat[into]) <= NOISE * sizes[into]]] = 0.0
    return True


def solve(flows: Flows) -> tuple[Floats, Bools]:
    """The log rate of each series, and for which it is known to be the only one. The others need `search`.

    returns  (P,), (P,)
    source   the rate is unique when the balance carried at it never changes sign (Soper 1959)
    """
    if len(flows.amounts) < 2:
        return np.zeros(flows.amounts.shape[1]), np.zeros(flows.amounts.shape[1], dtype=np.bool_)
    found, converged, only = _newton(flows)
    stray = np.flatnonzero(~converged)
    if len(stray):
        found[stray], converged[stray] = _careful_newton(flows.select(stray), len(stray))
    doubtful = np.flatnonzero(converged & ~only)
    if len(doubtful):
        only[doubtful] = _is_only(flows.select(doubtful), found[doubtful])[: len(doubtful)]
    return found, only


def _newton(flows: Flows) -> tuple[Floats, Bools, Bools]:
    """Steps of Halley on the net worth.

    returns  (P,) log rates, (P,) converged, (P,) of these the balance carried at the rate clearly never turns
    """
    amounts, times = flows.amounts, flows.times
    factors, timed, bent = flows.room
    np.multiply(np.multiply(amounts, times, out=timed), times, out=bent)
    ends = times.max(axis=0, initial=0.0)
    with np.errstate(all="ignore"):
        at, size, both = _start(flows)
        close = np.zeros(len(at), dtype=np.bool_)
        for _ in range(6):
            here = at
            np.exp(np.multiply(times, -at, out=factors), out=factors)
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
        moved, most = np.abs(at - here) * ends, size * np.exp(np.maximum(0.0, -here * ends))
        _accumulate(np.multiply(amounts, factors, out=factors))
        return at, converged, converged & _clearly_never_turns(factors[:-1], most, moved)


def _start(flows: Flows) -> tuple[Floats, Floats, Bools]:
    """Where log(inflows / outflows), almost a straight line in the log rate, would be zero by its slope and bend at 0.

    returns  (P,) log rates, (P,) sums of the sizes, (P,) there are both inflows and outflows
    """
    scratch, timed, bent = flows.room
    net, net_1, net_2 = flows.amounts.sum(axis=0), timed.sum(axis=0), bent.sum(axis=0)
    sizes = np.abs(flows.amounts, out=scratch)
    size = sizes.sum(axis=0)
    sizes *= flows.times
    size_1, size_2 = sizes.sum(axis=0), _sums(sizes, flows.times)
    inflow, outflow = size + net, size - net
    gain_1, loss_1 = (size_1 + net_1) / inflow, (size_1 - net_1) / outflow
    spread = (size_2 + net_2) / inflow - gain_1 * gain_1 - (size_2 - net_2) / outflow + loss_1 * loss_1
    step = np.log(inflow / outflow) / (gain_1 - loss_1)
    bend = step * spread / (2 * (gain_1 - loss_1))
    return np.where(np.abs(bend) < 0.5, step / (1 - bend), step), size, (inflow > 0) & (outflow > 0)


def _clearly_never_turns(balance: Floats, most: Floats, moved: Floats) -> Bools:
    """The balance keeps its sign at every flow, beyond any rounding. False is no answer.

    balance  (K - 1, P)  the worth of the flows so far, at a rate near the one found
    most     (P,)        not less than the sum of the worths' sizes
    moved    (P,)        how far that rate is from the one found, times the span: by so much of its size each flow's
                         worth may be another
    """
    doubt = (1e-10 + 2.0 * moved) * most
    clear = (balance.min(axis=0, initial=np.inf) > doubt) | (balance.max(axis=0, initial=-np.inf) < -doubt)
    return np.asarray(clear & (moved < 0.5))


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
                kept = np.flatnonzero(goes_on) if left > 1 else np.repeat(np.flatnonzero(goes_on), 2)
                active, goes_on, ends, bracketed = active[kept], goes_on[kept], ends[kept], bracketed[kept]
                at, low, high = at[kept], low[kept], high[kept]
                times, inflows, outflows, inflows_timed, outflows_timed = (
                    _columns(table, kept) for table in (times, inflows, outflows, inflows_timed, outflows_timed)
                )
    return log_rates[:series], converged[:series]


def _columns(table: Floats, chosen: Ints) -> Floats:
    """Row after row in memory: that decides in which order a column is added."""
    return np.take(table, chosen, axis=1)


def _factors(times: Floats, ends: Floats, log_rates: Floats) -> Floats:
    """Discount factors; where one would overflow, all of that series seen from the other end of its span."""
    exponent = times * -log_rates
    vast = log_rates * ends < -600.0
    if vast.any():
        exponent += np.where(vast, log_rates * ends, 0.0)
    return np.exp(exponent, out=exponent)


def _sums(amounts: Floats, factors: Floats) -> Floats:
    return np.asarray(np.einsum("ij,ij->j", amounts, factors))


def _is_only(flows: Flows, found: Floats) -> Bools:
    """There is no other root above -100 %. False is no answer.

    With the flows discounted at the root, the balance S that is carried between them stands for the worth at another rate:
    that is the integral of x S(t) exp(-x t), x the log rate less the root's. It is never zero again where S keeps its sign,
    or, parts being integrated once more, where the integral of S up to each moment and the one from it on both do.
    """
    with np.errstate(all="ignore"):
        log_rates = np.resize(found, flows.amounts.shape[1])
        worth = flows.amounts * _factors(flows.times, flows.times.max(axis=0), log_rates)
    size = np.abs(worth)
    before, size_before = np.cumsum(worth, axis=0)[:-1], np.cumsum(size, axis=0)[:-1]
    after, size_after = -np.cumsum(worth[::-1], axis=0)[-2::-1], np.cumsum(size[::-1], axis=0)[-2::-1]
    # What is carried after a flow is also, with the sign turned, the worth of all later flows: the smaller of the two
    # sums is taken, so that a small late flow is not lost in the rounding of large early ones.
    late = size_after < size_before
    balance, noise = np.where(late, after, before), 1e-13 * np.where(late, size_after, size_before)
    spans = np.diff(np.maximum.accumulate(flows.times, axis=0), axis=0)  # what is no flow has no time of its own
    held, doubt = balance * spans, noise * spans
    return _keeps_sign(balance, noise) | (
        _keeps_sign(np.cumsum(held, axis=0), np.cumsum(doubt + 1e-15 * np.abs(held), axis=0))
        & _keeps_sign(np.cumsum(held[::-1], axis=0), np.cumsum((doubt + 1e-15 * np.abs(held))[::-1], axis=0))
    )


def _keeps_sign(values: Floats, noise: Floats) -> Bools:
    return np.asarray(~((values > noise).any(axis=0) & (values < -noise).any(axis=0)))


def _accumulate(table: Floats) -> None:
    """In place: sums so far along axis 0. Wide tables go a whole row at a time: cumsum goes column by column and waits
    for each addition. Both add in the same order, to the same bits."""
    if table.shape[1] < 64:
        np.cumsum(table, axis=0, out=table)
        return
    for above, row in pairwise(table):
        np.add(above, row, row)


def search(flows: Flows, series: int, near: float) -> float:
    """The log rate of one series, whatever it takes.

    near    where a root is likely, if any number
    raises  UndefinedRate: "no_sign_change", "no_root", "several_roots" (with all of them), "out_of_range". Beside
            another root one that multiplies or divides money by more than 1e9 a year is not counted
    source  all roots are isolated by interval bounds on the discounted inflows and outflows
    """
    there = flows.amounts[:, series] != 0
    amounts, times = flows.amounts[there, series], flows.times[there, series]
    if not ((amounts > 0).any() and (amounts < 0).any()):
        raise UndefinedRate("no_sign_change")
    # Below zero the same problem is met with time reversed: no power of it can then overflow.
    touched, crossed = _roots(amounts, times, near)
    back_touched, back_crossed = _roots(amounts[::-1], times[-1] - times[::-1], -near)
    apart = _apart([*touched, *(-root for root in back_touched), *crossed, *(-root for root in back_crossed)])
    apart = [root for root in apart if abs(root) <= WILD] or apart
    if not apart:
        raise UndefinedRate("no_root")
    if len(apart) > 1:
        raise UndefinedRate("several_roots", tuple(float(np.expm1(min(root, 700.0))) for root in apart))
    return apart[0]


def _highest(flows: Floats, times: Floats) -> float:
    """A log rate with no root above it: there the running worth of the flows keeps its sign (Laguerre)."""
    highest = 1.0
    while highest <= 1e6:
        running = np.cumsum(flows * np.exp(-highest * times))
        if (running > 0).all() or (running < 0).all():
            return highest
        highest *= 2.0
    raise UndefinedRate("out_of_range")


def _roots(flows: Floats, times: Floats, near: float) -> tuple[list[float], list[float]]:
    """All log rates >= 0 where the net worth touches zero, and where it crosses zero.

    Boxes are split until their bounds decide.

    Inflows and outflows discounted are falling functions of the rate, so their values at the two ends of a box bound
    the net value in it, and the same holds for the slope.
    """
    edges = _highest(flows, times) * GRID
    sides = np.empty((4, len(flows)))
    np.maximum(flows, 0.0, out=sides[0])
    np.subtract(sides[0], flows, out=sides[1])
    np.multiply(sides[:2], times, out=sides[2:])
    at_edges = sides @ np.exp(np.multiply.outer(-times, edges))
    (boxes_here,) = np.nonzero((at_edges[0, 1:] <= at_edges[1, :-1]) & (at_edges[1, 1:] <= at_edges[0, :-1]))
    if not len(boxes_here):
        return [], []
    timed = flows * times

    def ends(log_rate: float) -> tuple[float, float, float, float]:
        inflow, outflow, inflow_timed, outflow_timed = (sides @ np.exp(times * -log_rate)).tolist()
        return inflow, outflow, inflow_timed, outflow_timed

    def net(log_rate: float) -> float:
        return float(flows @ np.exp(times * -log_rate))

    def slope(log_rate: float) -> float:
        return float(-timed @ np.exp(times * -log_rate))

    edge, at_edge = edges.tolist(), at_edges.T.tolist()
    boxes = [(edge[box], at_edge[box], edge[box + 1], at_edge[box + 1]) for box in boxes_here.tolist()]
    looked = 0
    touched: list[float] = []
    crossed: list[float] = []
    while boxes:
        low, (up_low, down_low, up_slope_low, down_slope_low), high, at_high = boxes.pop()
        up_high, down_high, up_slope_high, down_slope_high = at_high
        net_low, net_high = up_low - down_low, up_high - down_high
        if up_high > down_low or down_high > up_low:
            continue
        looked += 1
        if looked > 20_000:
            raise UndefinedRate("out_of_range")
        crosses = net_low == 0.0 or net_high == 0.0 or (net_low < 0.0) != (net_high < 0.0)
        if up_slope_high > down_slope_low or down_slope_high > up_slope_low:  # the curve only rises or only falls
            if crosses:
                crossed.append(_bisected(net, low, high, near))
            continue
        if high - low <= 1e-9 * max(1.0, high):
            if crosses or min(abs(net_low), abs(net_high)) <= 1e-14 * (up_low + down_low):
                touched.append(_touching(slope, low, high))
            continue
        middle = (low + high) / 2
        at_middle = ends(middle)
        boxes += [
            (low, (up_low, down_low, up_slope_low, down_slope_low), middle, at_middle),
            (middle, at_middle, high, at_high),
        ]
    return touched, crossed


def _bisected(curve: Callable[[float], float], low: float, high: float, near: float) -> float:
    """Where the curve is zero between two ends whose values differ in sign."""
    at_low = curve(low)
    if at_low == 0.0:
        return low
    if (at_high := curve(high)) == 0.0:
        return high
    below = at_low < 0
    narrow = _around(curve, near, low, below, high) or _around(
        curve, _by_secants(curve, low, at_low, high, at_high), low, below, high
    )
    low, high = narrow or (low, high)
    while low < (middle := (low + high) / 2) < high:
        value = curve(middle)
        if value == 0.0:
            return middle
        low, high = (middle, high) if (value < 0) == below else (low, middle)
    return (low + high) / 2


def _around(
    curve: Callable[[float], float], at: float, low: float, below: bool, high: float
) -> tuple[float, float] | None:
    """A bracket of the root as narrow as rounding lets it be, if the root is there: halving a wide one takes long."""
    reach = 1e-14 * max(1.0, abs(at))
    inside = low < at - reach and at + reach < high
    if inside and (curve(at - reach) < 0) == below != (curve(at + reach) < 0):
        return at - reach, at + reach
    return None


def _by_secants(curve: Callable[[float], float], low: float, at_low: float, high: float, at_high: float) -> float:
    """Where the root is likely (Illinois)."""
    left, at_left, right, at_right = low, at_low, high, at_high
    at, moved_left = low, None
    for _ in range(30):
        before, at = at, right - at_right * (right - left) / (at_right - at_left)
        if not left < at < right:
            break
        value = curve(at)
        stays = moved_left
        moved_left = (value < 0) == (at_low < 0)
        if moved_left:  # an end that stays twice counts half, or the secant would creep
            left, at_left, at_right = at, value, at_right / 2 if stays is True else at_right
        else:
            right, at_right, at_left = at, value, at_left / 2 if stays is False else at_left
        if abs(at - before) <= 1e-11:
            break
    return at


def _touching(slope: Callable[[float], float], low: float, high: float) -> float:
    """A double root lies where the curve turns, which is known far better than where it meets zero."""
    reach = 1e-7 * max(1.0, high)
    below, above = max(low - reach, 0.0), high + reach
    if (slope(below) < 0) != (slope(above) < 0):
        return _bisected(slope, below, above, (low + high) / 2)
    return (low + high) / 2


def _apart(roots: list[float]) -> list[float]:
    """Rising; of what is the same root found from several boxes the first, best known, is kept."""
    kept: list[float] = []
    for root in roots:
        if all(abs(root - other) > 1e-7 * max(1.0, abs(root)) for other in kept):
            kept.append(root)
    return sorted(kept)
