"""All roots of one series of flows, isolated by interval bounds on the discounted inflows and outflows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from portfolio.analytics.errors import Floats, UndefinedRate

WILD = float(np.log(1e9))  # no year multiplies money by this, or divides it
GRID = np.linspace(0.0, 1.0, 33) ** 2  # where roots are first looked for, finer where most of them are


def search(amounts: Floats, times: Floats, near: float) -> float:
    """The log rate of one series, without what is no flow; it takes as long as it takes.

    near    where a root is likely, if any number
    raises  UndefinedRate: "no_sign_change", "no_root", "several_roots" (with all of them), "out_of_range". Beside
            another root one that multiplies or divides money by more than 1e9 a year is not counted
    source  all roots are isolated by interval bounds on the discounted inflows and outflows
    """
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
    """A log rate with no root above it: there the running present value of the flows keeps its sign (Laguerre)."""
    highest = 1.0
    while highest <= 1e6:
        running = np.cumsum(flows * np.exp(-highest * times))
        if (running > 0).all() or (running < 0).all():
            return highest
        highest *= 2.0
    raise UndefinedRate("out_of_range")


def _roots(flows: Floats, times: Floats, near: float) -> tuple[list[float], list[float]]:
    """All log rates >= 0 where the net present value touches zero, and where it crosses zero.

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
    """The roots in rising order. Of a root that several boxes led to, the first is kept: it is known best."""
    distinct: list[float] = []
    for root in roots:
        if all(abs(root - other) > 1e-7 * max(1.0, abs(root)) for other in distinct):
            distinct.append(root)
    return sorted(distinct)
