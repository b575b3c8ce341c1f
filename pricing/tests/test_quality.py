"""The rules that suspect a row: what is true passes, what is wrong does not, and both are measured on real data."""

import csv
import gzip
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from pricing import archive
from pricing.archive import contents
from pricing.quality import acceptance, action_rules, move_rules, row_rules, suspects
from pricing.quality.suspects import Rule
from pricing.tests import folders
from pricing.tests.folders import DATA

TODAY = date(2026, 11, 1)

needs_data = pytest.mark.skipif(
    not (DATA / "provider_faults.csv.gz").is_file(), reason=f"TIEOUT_DATA: no provider faults in {DATA.name}"
)


def quotes(*rows, kind="price"):
    """(key, day of January 2020, text) in order."""
    keys = tuple(dict.fromkeys(key for key, _, _ in rows))
    texts = np.array([text for _, _, text in rows], dtype=np.bytes_)
    return suspects.Quotes(
        kind=kind,
        keys=keys,
        key=np.array([keys.index(key) for key, _, _ in rows], dtype=np.int32),
        date=np.array([date(2020, 1, 1) + timedelta(day - 1) for _, day, _ in rows], dtype="datetime64[D]"),
        text=texts,
        value=contents.as_numbers(texts),
        source=np.zeros(len(rows), dtype=np.int32),
        source_names=("wood",),
    )


def moves(rows, events=None, **how):
    how = {"limit": move_rules.MAX_PRICE_JUMP, "extreme": move_rules.EXTREME_PRICE} | how
    return move_rules.find_moves(rows, np.zeros(len(rows.key), dtype=bool), {0: events} if events else {}, **how)


def series(*closes):
    return quotes(*(("OAK", day, str(close)) for day, close in enumerate(closes, start=1)))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e400", "30,504.50", ".", "", "twelve"])
def test_what_is_no_finite_number_is_told_from_what_is(text):
    rows = quotes(("OAK", 1, "12.5"), ("OAK", 2, text))

    assert row_rules.not_a_number(rows.value).tolist() == [False, True]


def test_zero_and_below_are_not_positive():
    assert row_rules.not_positive(np.array([1.0, 0.0, -3.0, np.nan])).tolist() == [False, True, True, False]


def test_a_date_after_today_is_in_the_future():
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")

    assert row_rules.future_date(days, date(2020, 1, 1)).tolist() == [False, True]


def test_a_key_in_another_currency_is_wrong_in_all_its_rows():
    keys = np.array([0, 0, 1], dtype=np.int32)

    assert row_rules.wrong_currency(keys, ["USD", "GBP"], ["CAD", "GBP"]).tolist() == [True, True, False]


def test_a_day_with_two_values_is_suspect_in_both():
    rows = quotes(("OAK", 1, "10"), ("OAK", 2, "10"), ("OAK", 2, "11"), ("OAK", 3, "11"), ("OAK", 3, "11"))

    assert row_rules.two_values(rows.key, rows.date, rows.value).tolist() == [False, True, True, False, False]


def test_a_rate_is_held_against_the_usual_one_of_its_pair():
    texts = ("0.0091", "0.91", "0.000091", "0", "nan", "inf")
    rows = quotes(
        *(("JPY/CAD", day, text) for day, text in enumerate(texts, start=1)), ("EUR/TRY", 1, "7"), kind="rate"
    )

    found = row_rules.far_from_usual(rows)

    assert list(found) == [1, 2]
    assert found[1] == (pytest.approx(0.91 * 130 / 1.45), pytest.approx(1.45 / 130))
    assert row_rules.far_from_usual(replace(rows, kind="price")) == {}


@pytest.fixture(scope="module")
def real():
    """26 years of closes, rates and figures, which take seconds to read."""
    return archive.read(DATA, today=TODAY)


@needs_data
@pytest.mark.slow
def test_no_published_rate_of_the_ecb_is_far_from_the_usual_one(monkeypatch, real):
    rates = real.rates
    pairs = tuple("/".join(pair) for pair in rates.pairs)
    rows = suspects.Quotes("rate", pairs, rates.pair, rates.date, rates.rate, rates.number, rates.source, ())
    monkeypatch.setattr(row_rules, "MAX_FROM_USUAL", 1.45)
    beyond = row_rules.far_from_usual(rows)
    monkeypatch.setattr(row_rules, "MAX_FROM_USUAL", 1.5)

    assert {pairs[rates.pair[row]] for row in beyond} == {"EUR/JPY", "EUR/USD"}
    assert row_rules.far_from_usual(rows) == {}


def test_two_sources_are_compared_day_by_day():
    mine = quotes(("OAK", 1, "100"), ("OAK", 2, "100"), ("OAK", 3, "100"))
    theirs = quotes(("OAK", 2, "100.5"), ("OAK", 3, "110"))

    apart = row_rules.compared(mine, theirs)

    assert np.isnan(apart[0])
    assert apart[1:].tolist() == pytest.approx([0.005, 0.1])


@pytest.mark.parametrize("factor", [4, 5, 10, 100, 1 / 4, 1 / 5, 1 / 10, 1 / 100])
def test_a_wrong_factor_is_caught_for_as_long_as_it_lasts_and_what_follows_is_good(factor):
    rows = series(50, 50.5, 51 * factor, 50.8 * factor, 51.2 * factor, 51.5)

    found = moves(rows)

    assert list(found.suspects) == [2, 3, 4]
    expected = Rule.UNIT if factor in (100, 1 / 100) else Rule.JUMP
    assert {rule for rule, _ in found.suspects.values()} == {expected}
    assert "times the last good one, 50.5 of 2020-01-02" in found.suspects[2][1]


@pytest.mark.parametrize("move", [-0.519, -0.367, 0.353, -0.34])
def test_a_true_extreme_passes_and_says_so(move):
    found = moves(series(100, 100 * (1 + move), 101 * (1 + move)))

    assert (found.suspects, found.extreme) == ({}, {1})


def test_an_ordinary_day_is_neither():
    found = moves(series(100, 110, 92, 100, 118))

    assert (found.suspects, found.extreme) == ({}, set())


def ex(day):
    return np.datetime64("2020-01-01", "D") + day - 1


def test_a_split_is_no_jump_and_its_absence_is_one():
    split = move_rules.Events(splits=((ex(3), 7.0),))

    shown = moves(series(640, 645, 93.7, 94), split)
    unshown = moves(series(640, 645, 650, 94), split)

    assert (shown.suspects, shown.extreme) == ({}, set())
    assert {row: rule for row, (rule, _) in unshown.suspects.items()} == {2: Rule.SPLIT}


def test_adjusted_closes_may_not_show_a_split():
    split = move_rules.Events(splits=((ex(3), 2.0),), adjusted=True)

    assert not moves(series(50, 51, 50.5), split).suspects
    assert {rule for rule, _ in moves(series(100, 102, 50.5), split).suspects.values()} == {Rule.SPLIT}


def test_a_jump_that_an_event_explains_passes_as_extreme():
    spin_off = move_rules.Events(dividends=((ex(2), 133.522),), adjusted=True)

    found = moves(series(175, 41, 41.5), spin_off)

    assert (found.suspects, found.extreme) == ({}, {1})


def test_a_jump_that_a_second_source_confirms_passes_as_extreme():
    found = moves(series(100, 20, 21), agreed=[1])

    assert (found.suspects, found.extreme) == ({}, {1})


def test_what_staff_accept_is_the_reference_for_what_follows():
    rows = series(100, 20, 21, 20.5)

    undecided = moves(rows)
    accepted = moves(rows, accepts=lambda row, rule: (row, rule) == (1, Rule.JUMP))

    assert list(undecided.suspects) == [1, 2, 3]
    assert list(accepted.suspects) == [1]


def test_figures_of_a_level_jump_by_ratio_and_figures_in_percent_by_what_is_usual():
    level = np.array([100, 101, 400, 102.0])
    percent = np.array([4.0, 4.1, 4.0, 3.9, 4.1, 4.2, 4.1, 4.0, 4.1, 0.04, 4.1, 410.0, 4.0])
    near_zero = np.array([0.05, 0.06, 0.04, 0.05, 0.06, 0.03, 0.04, 0.05, 0.06, 0.01, 0.08])

    def found(values, is_percent):
        codes = np.zeros(len(values), dtype=np.int32)
        return list(move_rules.find_figure_jumps(codes, values, percent=[is_percent]))

    assert found(level, False) == [2]
    assert found(percent, True) == [9, 11]
    assert found(near_zero, True) == []


def dividend(day, amount):
    return contents.ActionRow("OAK", "dividend", day, None, Decimal(str(amount)), "USD", None, None, "wood")


def quarterly(*amounts):
    return [dividend(date(2019, 1, 15) + timedelta(91 * number), amount) for number, amount in enumerate(amounts)]


def flat(close=100.0):
    days = np.arange(np.datetime64("2018-01-01"), np.datetime64("2022-01-01"))
    return action_rules.ClosesOfOne(days, np.full(len(days), close), adjusted=False)


def doubted(actions, closes):
    return [(action.ex_date, rule) for action, rule, _ in action_rules.find_doubtful_actions(actions, closes)]


def test_a_dividend_in_another_unit_is_doubted_and_the_next_good_one_is_not():
    actions = quarterly(0.2, 0.2, 20, 0.21, 0.002, 0.22)

    assert doubted(actions, flat()) == [(actions[2].ex_date, Rule.JUMP), (actions[4].ex_date, Rule.JUMP)]


def test_a_large_dividend_that_the_close_shows_is_good():
    special = quarterly(0.2, 0.2, 10)
    closes = flat()
    fallen = np.where(closes.days >= np.datetime64(special[2].ex_date), 90.5, 100.0)

    assert doubted(special, closes) == [(special[2].ex_date, Rule.JUMP)]
    assert doubted(special, replace(closes, value=fallen)) == []


def test_a_dividend_that_is_too_much_of_the_close_is_doubted_whatever_the_close_does():
    spin_off = quarterly(0.2, 40)
    closes = flat()
    fallen = np.where(closes.days >= np.datetime64(spin_off[1].ex_date), 60.0, 100.0)

    assert doubted(spin_off, replace(closes, value=fallen)) == [(spin_off[1].ex_date, Rule.SIZE)]


def test_a_dividend_that_comes_again_too_soon_is_doubted_unless_the_payer_is_that_frequent():
    again = [*quarterly(0.2, 0.2), dividend(date(2019, 4, 17), 0.2)]
    weekly = [dividend(date(2019, 1, 4) + timedelta(7 * number), 0.2) for number in range(8)]

    assert doubted(again, flat()) == [(date(2019, 4, 17), Rule.TWICE)]
    assert [ex_date for ex_date, _ in doubted(weekly, flat())] == [day.ex_date for day in weekly[1:4]]


def test_a_split_that_the_closes_do_not_show_is_doubted():
    split = contents.ActionRow("OAK", "split", date(2019, 5, 6), Decimal(10), None, "USD", None, None, "wood")
    closes = flat()
    shown = replace(closes, value=np.where(closes.days >= np.datetime64(split.ex_date), 10.1, 100.0))

    assert doubted([split], closes) == [(split.ex_date, Rule.SPLIT)]
    assert doubted([split], shown) == []


# --- a feed that stands still


def runs_in(values, limit=row_rules.STALE_CLOSES, keys=None):
    key = np.zeros(len(values), np.int32) if keys is None else np.array(keys, np.int32)
    return row_rules.stale_runs(key, np.array(values, float), limit=limit)


MOVING = [100 + n / 10 for n in range(30)]


@pytest.mark.parametrize(
    ("days", "limit", "found"), [(5, 6, []), (6, 6, [35]), (8, 6, [35, 36, 37]), (6, 7, []), (7, 7, [36])]
)
def test_a_week_of_one_value_is_suspect_from_its_last_day_on_and_a_day_less_is_not(days, limit, found):
    assert runs_in([*MOVING, *[50.0] * days, 51.0], limit) == dict.fromkeys(found, 30)


def test_of_what_hardly_moves_repeating_says_nothing():
    pegged = [1.9558] * 40
    seldom = [value for value in MOVING for _ in range(2)]  # every other day is the day before

    assert runs_in(pegged) == {}
    assert runs_in([*seldom, *[50.0] * 9]) == {}
    assert runs_in([*MOVING[:15], *[50.0] * 9]) == {}  # too little is known of it
    assert runs_in([*MOVING, *pegged]) == dict.fromkeys(range(35, 70), 30)


def test_a_run_ends_where_another_key_begins():
    keys = [0] * 33 + [1] * 33

    assert runs_in([*MOVING, 50, 50, 50, 50, 50, 50, *MOVING], keys=keys) == {}


@pytest.mark.parametrize(("case", "found"), [("alone", 3), ("confirmed", 0), ("accepted", 1)])
def test_a_second_source_or_staff_may_say_that_a_run_is_true(tmp_path, case, found):
    days = [date(2020, 1, 1) + timedelta(days=n) for n in range(38)]
    rows = list(zip(days, [*MOVING, *[50.0] * 8], strict=True))
    lines = [f"{day},OAK,{close},USD,wood" for day, close in rows]
    lines += [f"{day},OAK,{close},USD,steel" for day, close in rows[30:] if case == "confirmed"]
    reading = archive.read(
        folders.write(
            tmp_path,
            {
                "prices.csv": "date,symbol,close,currency,source\n" + "".join(f"{line}\n" for line in lines),
                "corporate_actions.csv": None,
            },
        ),
        today=TODAY,
    )
    first = ("price", "OAK", date(2020, 2, 5), "50.0")
    decisions = suspects.Decisions(accepted=frozenset({(*first, "stale_run")} if case == "accepted" else ()))

    judged = acceptance.judge(reading, today=TODAY, decisions=decisions)

    stale = [each for each in judged.suspects if each.rule == Rule.STALE]
    assert len(stale) == found
    assert len(reading.closes.date) - len(judged.reading.closes.date) == (3 if case == "alone" else 0)


# --- real data

TRUE_EXTREMES = [
    ("AAPL", date(2000, 9, 29)),
    ("RIO.L", date(2008, 11, 25)),
    ("BAC", date(2009, 4, 9)),
    ("BCE.TO", date(2000, 5, 3)),
    ("EUR/CHF", date(2015, 1, 15)),
]
"""One-day moves that happened."""

STOOD_STILL = {
    ("ALV.DE", "2000-10-20"),
    *((symbol, day) for symbol in ("BAS.DE", "SAP.DE") for day in ("2000-10-19", "2000-10-20")),
    *(("ULVR.L", day) for day in ("2001-01-05", "2001-01-08")),
}
"""In the data itself: three shares of one exchange have one close each from 2000-10-12 (ALV.DE: 13) to 20, and ULVR.L from
2000-12-29 to 2001-01-08, after which it "fell" by 11 % in a day. The days before the sixth equal close can't be told."""


@needs_data
@pytest.mark.slow
def test_the_five_true_extremes_pass_and_are_flagged_and_all_other_real_closes_and_rates_pass(real):
    judged = acceptance.judge(real, today=TODAY)

    held, legs = judged.reading.closes, judged.reading.rates
    flagged = {
        (real.securities[held.security[row]].symbol, held.date[row].item()): flag
        for row, flag in judged.close_flags.items()
    } | {("/".join(legs.pairs[legs.pair[row]]), legs.date[row].item()): flag for row, flag in judged.rate_flags.items()}
    assert [flagged.get(extreme) for extreme in TRUE_EXTREMES] == ["extreme"] * 5
    assert len(flagged) == 13
    assert (len(held.date), len(legs.date)) == (len(real.closes.date) - len(STOOD_STILL), len(real.rates.date))
    assert len(judged.reading.observations.date) == len(real.observations.date)
    assert {(each.key, str(each.day)) for each in judged.suspects if each.rule == Rule.STALE} == STOOD_STILL
    # and the four that corporate_actions.csv marks
    assert [each.rule for each in judged.suspects if each.rule != Rule.STALE] == [Rule.SOURCE_DOUBTS] * 4


@pytest.mark.slow
def test_the_demo_passes_whole():
    reading = archive.read(folders.DEMO)

    judged = acceptance.judge(reading, today=TODAY)

    assert judged.suspects == ()
    assert judged.reading.actions == reading.actions
    assert judged.reading.closes is reading.closes


def recorded_faults():
    with gzip.open(DATA / "provider_faults.csv.gz", "rt") as file:
        return list(csv.DictReader(file))


@needs_data
def test_every_recorded_price_fault_of_four_times_or_more_is_caught():
    faults = [row for row in recorded_faults() if row["field"] != "Dividends"]
    by_series: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in faults:
        by_series.setdefault((row["fixture"], row["field"]), []).append(row)
    caught, wanted = 0, 0
    for rows in by_series.values():
        rows.sort(key=lambda row: row["date"])
        # The file holds bad days alone: the last good value is the first one's repaired value, the day before.
        days = ["1990-01-01", *(row["date"] for row in rows)]
        texts = np.array([rows[0]["repaired_value"], *(row["bad_value"] for row in rows)], dtype=np.bytes_)
        count = len(days)
        found = move_rules.find_moves(
            suspects.Quotes(
                "price",
                ("X",),
                np.zeros(count, np.int32),
                np.array(days, "datetime64[D]"),
                texts,
                contents.as_numbers(texts),
                np.zeros(count, np.int32),
                ("recorded",),
            ),
            np.zeros(count, bool),
            {},
            limit=move_rules.MAX_PRICE_JUMP,
            extreme=move_rules.EXTREME_PRICE,
        )
        due = {n for n, row in enumerate(rows, start=1) if not 0.25 < float(row["ratio"]) < 4}
        caught, wanted = caught + len(due & found.suspects.keys()), wanted + len(due)

    assert (caught, wanted) == (251, 251)


@needs_data
def test_every_recorded_dividend_fault_in_another_unit_is_caught():
    rows = [row for row in recorded_faults() if row["field"] == "Dividends" and float(row["repaired_value"]) > 0]
    due = [row for row in rows if float(row["bad_value"]) > 0]  # a dividend of nothing is refused when it is read
    caught = 0
    for row in due:
        ex_date = date.fromisoformat(row["date"])
        before = dividend(ex_date - timedelta(91), row["repaired_value"])
        closes = action_rules.ClosesOfOne(np.empty(0, "datetime64[D]"), np.empty(0), adjusted=False)
        caught += len(doubted([before, dividend(ex_date, row["bad_value"])], closes))

    assert (caught, len(due)) == (47, 47)


@needs_data
def test_the_double_events_of_the_dirty_shares_are_caught():
    with (DATA / "dirty_actions.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = set()
    for symbol in sorted({row["symbol"] for row in rows}):
        actions = [
            dividend(date.fromisoformat(row["ex_date"]), row["amount"]) for row in rows if row["symbol"] == symbol
        ]
        actions.sort(key=lambda action: action.ex_date)
        closes = action_rules.ClosesOfOne(np.empty(0, "datetime64[D]"), np.empty(0), adjusted=False)
        found |= {
            (symbol, ex_date.isoformat())
            for ex_date, rule in doubted(actions, closes)
            if rule in (Rule.TWICE, Rule.JUMP)
        }

    # The events that follow another within 25 days, counted in the file by hand.
    assert found >= {
        ("DTE.DE", "2016-05-27"),
        ("DTE.DE", "2017-06-02"),
        ("DTE.DE", "2017-06-23"),
        ("SIE.DE", "2002-01-29"),
        ("SIE.DE", "2003-01-29"),
        ("SIE.DE", "2010-02-08"),
        ("BMW.DE", "2008-05-09"),
    }


@needs_data
@pytest.mark.slow
def test_the_errors_in_sap_of_2001_are_caught_in_the_real_history(tmp_path):
    bad = {row["date"]: row["bad_value"] for row in recorded_faults() if row["fixture"].startswith("SAP-DE")}
    with gzip.open(DATA / "prices.csv.gz", "rt") as file:
        good = {row["date"]: row["close"] for row in csv.DictReader(file) if row["symbol"] == "SAP.DE"}
    text = "date,symbol,close,currency,source\n" + "".join(
        f"{day},SAP.DE,{close},EUR,dax-ste\n" for day, close in sorted((good | bad).items()) if day < "2002"
    )
    folders.write(
        tmp_path,
        {
            "securities.csv": "symbol,name,currency,type,exchange,source,price_basis\n"
            "SAP.DE,SAP SE,EUR,equity,XETR,dax-ste,split_adjusted\n",
            "prices.csv": text,
            "corporate_actions.csv": None,
        },
    )

    judged = acceptance.judge(archive.read(tmp_path, today=TODAY), today=TODAY)

    caught = {each.day.isoformat() for each in judged.suspects if each.rule != Rule.STALE}
    assert caught == set(bad)
    assert len(bad) == 5
    stale = {("SAP.DE", str(each.day)) for each in judged.suspects if each.rule == Rule.STALE}
    assert stale == {row for row in STOOD_STILL if row[0] == "SAP.DE"}
