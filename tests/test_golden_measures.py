"""Figures that others published, or computed with other programs. Each case of golden/measures.json names its source."""

import json
from pathlib import Path

import numpy as np
import pytest

from portfolio.analytics import attribution, returns, risk
from portfolio.analytics.errors import UndefinedRate

CASES = json.loads((Path(__file__).parent / "golden" / "measures.json").read_text())
ROOMS = {"returns": returns, "risk": risk}


def spread(argument):
    """NIST writes its long series as a first value and a pair many times."""
    if isinstance(argument, dict):
        return np.concatenate([[argument["first"]], np.tile(argument["pair"], argument["times"])])
    return argument


def measured(case):
    args = [spread(argument) for argument in case["args"]]
    if case["call"] == "xirr":
        days, amounts = args
        return returns.money_weighted_return(np.array(days, dtype="datetime64[D]"), amounts)
    if case["call"] == "twr":
        values, flows, timing, *outflows = args
        money_out = outflows[0] if outflows else None
        return returns.link(returns.time_weighted_returns(values, flows, outflows=money_out, flow_timing=timing))
    if case["call"] == "drawdown":  # of prices; only what the source says; a point that never came is null
        prices = np.array(args[0], dtype=float)
        found = risk.drawdown(prices[1:] / prices[:-1] - 1)
        return {name: getattr(found, name) for name in case["expected"]}
    if case["call"] == "currency":
        found = attribution.currency_attribution(*args)
        return [found.total, found.compounded.local, found.compounded.fx, found.compounded.interaction]
    room, name = case["call"].split(".")
    return getattr(ROOMS[room], name)(*args, **case["kwargs"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_measure_ties_out_with_its_source(case):
    if case["call"] == "undefined irr":
        with pytest.raises(UndefinedRate) as raised:
            returns.periodic_irr(*case["args"])
        assert raised.value.reason == case["expected"]
        return

    found, expected = measured(case), case["expected"]
    if case["call"] == "drawdown":
        missing = {name for name, point in expected.items() if point is None}
        assert {name for name, point in found.items() if point is None} == missing
        found, expected = [{name: at[name] for name in at.keys() - missing} for at in (found, expected)]

    assert found == pytest.approx(expected, rel=0, abs=case["tolerance"])


def test_there_are_a_hundred_cases_and_each_has_its_own_name():
    assert len(CASES) >= 100
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["source"] for case in CASES)
