"""The analytics beside the least that could be done and beside their peers: processor time, one thread."""

from collections.abc import Callable, Mapping
from time import process_time
from typing import Any

import empyrical
import numpy as np
import pyxirr

from benchmarks.measuring import Goal, Line, line, round_robin
from portfolio.analytics import returns, risk

DAYS, PORTFOLIOS, FLOWS, SPAN = 2520, 1000, 100, 3650


def measures() -> list[Line]:
    """Seven measures of 1,000 portfolios over ten years, against one np.sum of their returns and against empyrical."""
    rng = np.random.default_rng(5)
    benchmark = rng.normal(0.0004, 0.01, DAYS)
    table = benchmark[:, None] * rng.uniform(0.5, 1.5, PORTFOLIOS) + rng.normal(0.0001, 0.006, (DAYS, PORTFOLIOS))
    columns = np.ascontiguousarray(table.T)

    def peer() -> list[Any]:
        return [
            (
                empyrical.cum_returns_final(column),
                empyrical.annual_volatility(column),
                empyrical.sharpe_ratio(column),
                empyrical.sortino_ratio(column),
                empyrical.max_drawdown(column),
                empyrical.alpha_beta_aligned(column, benchmark),
            )
            for column in columns
        ]

    samples = round_robin(
        {
            "ours": _took(lambda: risk.summary(table, benchmark), times=3),
            "sum": _took(lambda: table.sum(), times=20),
            "peer": _took(peer),
        }
    )
    name = f"seven measures, {PORTFOLIOS} portfolios, {DAYS} days"
    return [
        line(f"{name}, against np.sum", "ms", samples["ours"], samples["sum"], goal=Goal(45, of="ratio")),
        line(f"{name}, against empyrical", "ms", samples["ours"], samples["peer"], goal=Goal(0.2, of="ratio")),
    ]


def internal_rates() -> list[Line]:
    """1,000 XIRRs of 100 flows, days and sizes of their own, a fifth of them withdrawals, against pyxirr."""
    rng = np.random.default_rng(5)
    days = np.sort(rng.integers(1, SPAN, (FLOWS, PORTFOLIOS)), axis=0)
    days[0], days[-1] = 0, SPAN
    amounts = -rng.uniform(100, 1000, (FLOWS, PORTFOLIOS))
    amounts[rng.integers(0, FLOWS, (FLOWS // 5, PORTFOLIOS)), np.arange(PORTFOLIOS)] *= -0.5
    amounts[0] = -1000
    rates = rng.uniform(-0.05, 0.15, PORTFOLIOS)
    amounts[-1] = -(amounts[:-1] * (1 + rates) ** ((SPAN - days[:-1]) / 365)).sum(axis=0)
    dates = np.datetime64("2015-01-02") + days
    series = [(dates[:, one].tolist(), np.ascontiguousarray(amounts[:, one])) for one in range(PORTFOLIOS)]

    results = returns.money_weighted_return(dates, amounts)
    agreed = np.array([pyxirr.xirr(*one) for one in series], dtype=float)
    if not np.abs(results - agreed).max() <= 1e-9:
        raise RuntimeError(f"differs from pyxirr by {np.abs(results - agreed).max()}")
    samples = round_robin(
        {
            "ours": _took(lambda: returns.money_weighted_return(dates, amounts), times=5),
            "peer": _took(lambda: [pyxirr.xirr(*one) for one in series], times=5),
        }
    )
    name = f"{PORTFOLIOS} XIRRs of {FLOWS} flows, against pyxirr"
    return [line(name, "ms", samples["ours"], samples["peer"], goal=Goal(1, of="ratio"))]


def _took(call: Callable[[], Any], *, times: int = 1) -> Callable[[], float]:
    """Milliseconds of processor time of one call."""

    def run() -> float:
        started = process_time()
        for _ in range(times):
            call()
        return (process_time() - started) * 1000 / times

    return run


CASES: Mapping[str, Callable[[], list[Line]]] = {"measures": measures, "internal_rates": internal_rates}
