"""Figures that others published, or computed with other programs. Each case of golden/measures.json names its source."""

import json
from pathlib import Path

import numpy as np
import pytest

from portfolio.analytics import returns, risk
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
        values, flows, timing = args
        return returns.link(returns.time_weighted_returns(values, flows, flow_timing=timing))
    room, name = case["call"].split(".")
    return getattr(ROOMS[room], name)(*args, **case["kwargs"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_measure_ties_out_with_its_source(case):
    if case["call"] == "undefined irr":
        with pytest.raises(UndefinedRate) as raised:
            returns.periodic_irr(*case["args"])
        assert raised.value.reason == case["expected"]
        return

    assert measured(case) == pytest.approx(case["expected"], rel=0, abs=case["tolerance"])


def test_there_are_a_hundred_cases_and_each_has_its_own_name():
    assert len(CASES) >= 100
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(case["source"] for case in CASES)
