"""A result on a terminal. The figures here are made up; that real ones reach the terminal is test_demo's to hold."""

import json
from copy import deepcopy
from io import StringIO
from uuid import UUID

import pytest
from rich.console import Console

from execution.executor import Served
from execution.terminal import report


def metric(value, status="ok", reason=None, **basis):
    return {"value": value, "status": status, "reason": reason, "basis": basis}


def position(**changes):
    return {
        "symbol": "IBM",
        "name": "International Business Machines Corp.",
        "quantity": "858",
        "price": "202.91",
        "currency": "USD",
        "market_value": "1179949.11",
        "weight": 0.75,
        "unrealized_pnl": "-57652.22",
        "observed_date": "2013-03-01",
        "age_sessions": 0,
    } | changes


CASH = {
    "currency": "USD",
    "amount": "2167.37",
    "unsettled": "-100.00",
    "fx_rate": "1.033615",
    "market_value": "2240.23",
    "weight": 0.25,
}
PENDING = {
    "trade_date": "2013-02-28",
    "settle_date": "2013-03-05",
    "kind": "buy",
    "symbol": "IBM",
    "quantity": "2",
    "amount": "-100.00",
    "currency": "USD",
}
RECEIVABLE = {
    "symbol": "IBM",
    "currency": "USD",
    "ex_date": "2013-02-28",
    "pay_date": "2013-03-11",
    "gross": "24.00",
    "tax": "3.60",
    "amount": "20.40",
    "fx_rate": "1.033615",
    "market_value": "21.09",
}
VIEW = {
    "base_currency": "CAD",
    "days": 252,
    "local_return": 0.5,
    "fx_return": -0.25,
    "interaction": -0.125,
    "total_return": 0.125,
}
RESULT = {
    "valued_positions": {
        "currency": "CAD",
        "total_value": "1182189.34",
        "securities_value": "1179949.11",
        "positions": [position()],
        "cash": [CASH],
        "receivables": [],
        "pending": [],
        "currency_exposure": [
            {
                "currency": "USD",
                "securities": "1179949.11",
                "cash": "2240.23",
                "market_value": "1182189.34",
                "weight": 1.0,
            }
        ],
        "quality": {
            "stale_share": 0.25,
            "carried_share": 0.0,
            "delisted_share": 0.0,
            "manual_share": 0.0,
            "degraded_share": 0.0,
            "oldest_price": "2013-02-27",
            "oldest_price_of": "IBM",
            "oldest_rate": "2013-03-01",
        },
        "concentration": {
            "holdings": 1,
            "largest": "IBM",
            "largest_weight": 0.75,
            "top_5_weight": 0.75,
            "top_10_weight": 0.75,
            "herfindahl": 1.0,
            "effective_holdings": 1.0,
        },
    },
    "bridges": {
        **{
            name: {"base_currency": "CAD", "gain": gain}
            for name, gain in (("since_inception", "34.00"), ("year_to_date", "-12.50"), ("last_day", "1.25"))
        },
        "lines": [
            {"label": label, "part_of": part_of, "since_inception": amount, "year_to_date": "2.00", "last_day": "1.00"}
            for label, part_of, amount in (
                ("Opening value", None, "0.00"),
                ("of which interaction", "fx", "-7.00"),
                ("Closing value", None, "34.00"),
            )
        ],
    },
    "gains": {
        "base_currency": "CAD",
        **{
            name: {
                "realised": {"total": realised},
                "income": {"dividends": "3.00", "interest": "2.00", "tax": "0.45", "net": "4.55"},
            }
            for name, realised in (("since_inception", "270981.87"), ("year_to_date", None))
        },
        "unrealised": {"total": "315861.24"},
    },
    "perf_metrics": {
        "basis_caption": "Net of all that is booked.",
        "inception_date": "2002-12-02",
        "twr_1d": metric(0.0023),
        "twr_itd": metric(7.20523950738),
        "twr_itd_annualised": metric(0.2279),
        "twr_1y": metric(-0.00322836647399),
        "twr_ytd": metric(None, "unavailable", "short_history"),
    },
    "metrics": {
        "basis_caption": "Net of all that is booked.",
        "mwr_itd": metric(0.230194397153),
        "volatility_itd": metric(0.278),
        "sharpe_itd": metric(0.8249, "degraded", "risk_free_currency"),
        "max_drawdown": metric(-0.42, peak="2007-12-26", trough="2008-10-08", recovery="2009-10-21"),
        "current_drawdown": metric(-0.161, peak="2012-09-20"),
    },
    "currency_attr": {"since_inception": VIEW, "lookback": VIEW | {"days": 252}},
}
METADATA = {
    "pattern_id": "portfolio_overview",
    "pattern_version": "1.2.0",
    "pricing_pack_id": "PP_2013-03-01_ECB_EUR_r1",
    "pack_content_hash": "a" * 64,
    "pack_chain_hash": "b" * 64,
    "policy": "ECB_EUR",
    "ledger_commit_hash": "c" * 40,
    "asof_date": "2013-03-01",
    "requested_asof_date": "2013-03-01",
    "engine_version": "0.1.0+0123456789ab",
    "result_hash": "d" * 64,
    "cached": False,
    "provisional": False,
    "computed_at": "2013-03-02T00:05:00+00:00",
    "duration_ms": 83.4,
    "attributions": ["European Central Bank"],
    "rights": {"version": 1, "withheld": {}},
    "warnings": [],
}


def shown(result=RESULT, name="Public", width=100, **metadata):
    written = StringIO()
    served = Served(UUID(int=7), json.dumps(result), METADATA | metadata, {"steps": []})
    report.show(served, name, Console(file=written, width=width, markup=False, emoji=False, highlight=False))
    return written.getvalue()


def line_of(text, start):
    (found,) = [line.strip() for line in text.splitlines() if line.strip().startswith(start)]
    return found


def test_the_figures_are_written_as_on_a_page():
    text = shown()

    assert line_of(text, "Value ").split(None, 1)[1] == "1,182,189.34 CAD"
    assert line_of(text, "TWR since inception").endswith("+720.52 %")
    assert line_of(text, "TWR, one year").endswith("−0.32 %")
    assert line_of(text, "IBM").split()[-5:] == ["USD", "1,179,949.11", "75.00", "%", "−57,652.22"]
    assert ["USD", "2,167.37", "−100.00", "1.033615", "2,240.23", "25.00", "%"] in [
        line.split() for line in text.splitlines()
    ]


def test_what_changed_today_and_how_the_value_came_about_are_told_at_once():
    text = shown()

    assert line_of(text, "Change today").split()[2:] == ["1.25", "CAD"]
    assert line_of(text, "Inception").split() == ["Inception", "2002-12-02"]
    assert line_of(text, "of which interaction").split()[3:] == ["−7.00", "2.00", "1.00"]
    assert line_of(text, "Closing value").split()[2] == "34.00"


def test_what_a_gain_can_not_be_told_of_is_a_dash_with_its_reason():
    text = shown()

    assert line_of(text, "Realised").split()[:3] == ["Realised", "270,981.87", "—²"]
    assert line_of(text, "²") == "² neither the ledger nor the pack gives it"


def test_what_is_not_settled_and_what_is_due_are_rows_of_their_own():
    result = deepcopy(RESULT)
    result["valued_positions"] |= {"pending": [PENDING], "receivables": [RECEIVABLE]}

    text = shown(result)

    assert line_of(text, "2013-02-28").split() == [
        *("2013-02-28", "2013-03-05", "buy", "IBM", "2", "−100.00", "USD"),
    ]
    assert "IBM     2013-02-28  2013-03-11  24.00      3.60  20.40  USD  21.09" in text


def windows(benchmark):
    one_day = metric(None, "unavailable", "within_a_day")
    figures = {name: metric(value) for name, value in (("twr", 0.5), ("benchmark_twr", 0.25), ("excess_twr", 0.25))}
    row = {"label": "today", **figures, "mwr": one_day, "benchmark_mwr": one_day, "excess_mwr": one_day}
    return RESULT | {"windows": {"benchmark": benchmark, "rows": [row]}}


@pytest.mark.parametrize(
    ("benchmark", "cells"),
    [(None, ["+50.00 %", "—³"]), ("World", ["+50.00 %", "+25.00 %", "+25.00 %", "—³", "—³", "—³"])],
)
def test_the_returns_of_every_window_are_told_with_a_benchmark_where_there_is_one(benchmark, cells):
    text = shown(windows(benchmark))

    assert line_of(text, "today").split() == ["today", *" ".join(cells).split()]
    assert ("Returns by window, against World" in text) is (benchmark is not None)
    assert line_of(text, "³") == "³ money that comes and goes within a day has no time to weigh"


def test_what_the_value_rests_on_is_told():
    text = shown()

    assert line_of(text, "On closes older than their session").endswith("25.00 %")
    assert line_of(text, "Oldest price").split()[2:] == ["2013-02-27", "IBM"]
    assert line_of(text, "Largest holding").split()[2:] == ["75.00", "%", "IBM"]


def test_the_drawdown_has_its_dates():
    text = shown()

    assert line_of(text, "Maximum drawdown").endswith("2007-12-26 to 2008-10-08, back on 2009-10-21")
    assert line_of(text, "Current drawdown").endswith("since 2012-09-20")


def test_what_is_unavailable_is_a_dash_with_its_reason():
    line = line_of(shown(), "TWR this year")

    assert line.split(None, 3)[3] == "—  the portfolio is younger than this window"


def test_what_is_degraded_carries_the_mark_of_a_footnote():
    text = shown()

    assert line_of(text, "Sharpe ratio").endswith("0.82¹")
    assert line_of(text, "¹") == "¹ the risk-free rate is that of another currency"


def test_a_stale_close_says_its_age_and_equal_notes_are_told_once():
    result = deepcopy(RESULT)
    stale = {"observed_date": "2013-02-27", "age_sessions": 2}
    result["valued_positions"]["positions"] = [position(**stale), position(symbol="AAPL", **stale)]

    text = shown(result)

    assert "202.91²" in line_of(text, "IBM")
    assert "202.91²" in line_of(text, "AAPL")
    assert line_of(text, "²") == "² close of 2013-02-27, 2 sessions old"


def test_the_attribution_adds_up_on_the_screen():
    text = shown()

    cells = [line_of(text, label).replace("−", "-").split()[-4::2] for label in ("Local", "FX", "Interaction")]
    assert [sum(float(cell) for cell in column) for column in zip(*cells, strict=True)] == [12.5, 12.5]
    assert line_of(text, "= Total").split()[2::2] == ["+12.50", "+12.50"]


def test_under_the_figures_stands_what_they_tie_out_to():
    text = shown()

    for told in (
        "PP_2013-03-01_ECB_EUR_r1",
        "a" * 64,
        "b" * 64,
        "c" * 40,
        "d" * 64,
        "portfolio_overview 1.2.0",
        str(UUID(int=7)),
    ):
        assert told in text
    assert "computed now in 83 ms" in text
    assert text.count("Net of all that is booked.") == 1
    assert line_of(text, "data") == "data           European Central Bank"


def test_a_stored_result_says_when_it_was_computed():
    assert "from the store, computed 2013-03-02T00:05:00+00:00" in shown(cached=True)


def test_both_dates_are_told_when_the_one_asked_for_is_no_pack_day():
    assert "as of 2013-03-01, the last pack day before 2013-03-03" in shown(requested_asof_date="2013-03-03")


def test_a_withheld_output_shows_its_state_and_why():
    result = RESULT | {"valued_positions": {"value": None, "status": "unavailable", "reason": "right-denied"}}

    text = shown(result, rights={"version": 2, "withheld": {"valued_positions": ["acme"]}})

    assert "Positions: — the terms of a data provider do not allow to show it" in text
    assert "warning: valued_positions is withheld: the terms of acme do not allow to show it" in text
    assert "1,182,189.34" not in text


def test_another_patterns_outputs_are_named():
    text = shown({"stress": {"loss": 1}})

    assert "also in the result: stress (--json prints it)" in text
    assert "Positions" not in text


def test_a_pattern_of_which_nothing_is_drawn_names_all_its_outputs():
    assert "also in the result: bridge (--json prints it)" in shown({"bridge": {"fx": "1.00"}})
    assert "bridge (" not in shown(RESULT | {"bridge": {"fx": "1.00"}})


@pytest.mark.parametrize("width", [100, 120])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(width):
    result = deepcopy(RESULT)
    result["valued_positions"]["positions"] = [
        position(symbol="LONGSYMBOL.TO", quantity="123456789.1234", price="12345.6789", market_value="987654321.12")
    ]

    text = shown(result, width=width)

    assert max(map(len, text.splitlines())) <= width
    for figure in ("123,456,789.1234", "12,345.6789", "987,654,321.12"):
        assert figure in text


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal():
    text = shown(name="\x1b]0;owned\x07 [bold]plain[/bold]")

    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]plain[/bold]" in text
