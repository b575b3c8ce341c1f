"""The canonical form: what is equal hashes equal, what differs does not."""

import unicodedata
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.fx import Leg
from pricing.packs import fingerprint
from pricing.packs.rows import (
    Close,
    KnownAction,
    KnownObservation,
    action_line,
    observation_line,
    price_line,
    rate_line,
)

DECIMALS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=8)
TEXTS = st.text(max_size=12)
DATES = st.dates()
PRICES = st.fixed_dictionaries(
    {
        "symbol": TEXTS,
        "observed_date": DATES,
        "close": DECIMALS,
        "currency": st.sampled_from(["USD", "CAD", "GBP"]),
        "source": TEXTS,
        "price_basis": st.sampled_from(["raw", "split_adjusted"]),
        "flags": st.sampled_from(["", "stale:1", "stale:2"]),
    }
)
OBSERVATIONS = st.fixed_dictionaries(
    {
        "series": TEXTS,
        "observation_date": DATES,
        "value": DECIMALS,
        "unit": TEXTS,
        "source": TEXTS,
        "known_at": DATES,
        "vintage": TEXTS,
        "flags": TEXTS,
    }
)
ACTIONS = st.fixed_dictionaries(
    {
        "symbol": TEXTS,
        "action": st.sampled_from(["split", "dividend"]),
        "ex_date": DATES,
        "ratio": st.none() | DECIMALS,
        "amount": st.none() | DECIMALS,
        "currency": st.sampled_from(["", "USD"]),
        "pay_date": st.none() | DATES,
        "announced": st.none() | DATES,
        "source": TEXTS,
        "flags": TEXTS,
    }
)


def line_of_price(**row):
    return price_line(Close(security_id=1, **row))


def line_of_rate(**row):
    return rate_line(Leg(**row))


def line_of_observation(*, unit, **row):
    return observation_line(KnownObservation(**row), unit)


def line_of_action(**row):
    return action_line(KnownAction(**row))


@pytest.mark.slow
@given(st.lists(TEXTS, max_size=20), st.randoms())
def test_the_order_of_rows_does_not_matter(lines, random):
    shuffled = list(lines)
    random.shuffle(shuffled)

    assert fingerprint.content_hash(shuffled) == fingerprint.content_hash(lines)


@given(DECIMALS, st.integers(min_value=0, max_value=12))
def test_a_number_is_written_one_way_however_it_came(number, zeros):
    padded = Decimal(f"{number:f}" + ("" if "." in f"{number:f}" else ".") + "0" * zeros)
    exponent = Decimal(f"{number:E}")

    written = {fingerprint.plain(form) for form in (number, padded, exponent)}

    assert len(written) == 1
    assert Decimal(written.pop()) == number


@pytest.mark.parametrize("form", ["1.0", "1.00", "1e0", "1", "01", "10E-1"])
def test_one_is_one(form):
    assert fingerprint.plain(Decimal(form)) == "1"


@pytest.mark.parametrize(
    ("form", "plain"), [("-0.00", "0"), ("1E+3", "1000"), ("1e-8", "0.00000001"), ("-2.50", "-2.5")]
)
def test_a_number_has_no_exponent_and_no_sign_of_zero(form, plain):
    assert fingerprint.plain(Decimal(form)) == plain


@pytest.mark.parametrize("form", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_not_finite_has_no_canonical_form(form):
    with pytest.raises(ValueError, match="not a finite number"):
        fingerprint.plain(Decimal(form))


@given(PRICES)
def test_composed_and_decomposed_text_make_the_same_line(price):
    forms = [
        price
        | {
            "symbol": unicodedata.normalize(form, price["symbol"]),
            "source": unicodedata.normalize(form, price["source"]),
        }
        for form in ("NFC", "NFD")
    ]

    composed, decomposed = (line_of_price(**form) for form in forms)

    assert composed == decomposed


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        (line_of_price, PRICES),
        (line_of_observation, OBSERVATIONS),
        (line_of_action, ACTIONS),
    ],
    ids=["price", "observation", "action"],
)
@pytest.mark.slow
def test_rows_that_differ_make_different_hashes(line, rows):
    def canonical(row):
        return {key: unicodedata.normalize("NFC", cell) if isinstance(cell, str) else cell for key, cell in row.items()}

    @given(rows, rows)
    def holds(one, other):
        same = canonical(one) == canonical(other)

        hashes = {fingerprint.content_hash([line(**row)]) for row in (one, other)}

        assert len(hashes) == (1 if same else 2)

    @given(rows, st.data())
    def holds_for_one_changed_value(row, data):
        key = data.draw(st.sampled_from(sorted(row)))
        changed = row | {key: data.draw(rows)[key]}
        same = canonical(row) == canonical(changed)

        hashes = {fingerprint.content_hash([line(**each)]) for each in (row, changed)}

        assert len(hashes) == (1 if same else 2)

    holds()
    holds_for_one_changed_value()


def test_a_separator_inside_a_field_is_not_taken_for_one():
    price: dict[str, Any] = {
        "observed_date": date(2013, 3, 1),
        "close": Decimal(1),
        "currency": "USD",
        "price_basis": "raw",
        "flags": "",
    }

    lines = {
        line_of_price(symbol=symbol, source=source, **price)
        for symbol, source in (("A|B", "C"), ("A", "B|C"), ("A\\|B", "C"), ("A\\", "B|C"), ("A\n", "C"), ("A\\n", "C"))
    }

    assert len(lines) == 6
    assert not any("\n" in line for line in lines)


def test_the_instant_of_a_fixing_does_not_depend_on_the_time_zone_it_is_told_in():
    instant = datetime(2013, 3, 1, 13, 15, tzinfo=UTC)
    rate: dict[str, Any] = {
        "base": "EUR",
        "quote": "USD",
        "observed_date": date(2013, 3, 1),
        "rate": Decimal("1.3"),
        "source": "x",
        "flags": "",
    }

    lines = {line_of_rate(fix_at=instant.astimezone(timezone(timedelta(hours=hours))), **rate) for hours in (0, 1, -5)}

    assert lines == {"rate|EUR/USD|2013-03-01|1.3|USD|x||2013-03-01T13:15:00Z||"}


def test_the_lines_are_as_documented():
    price = line_of_price(
        symbol="AAPL",
        observed_date=date(2013, 3, 1),
        close=Decimal("430.470"),
        currency="USD",
        source="bokeh-wiki",
        price_basis="raw",
        flags="",
    )
    action = line_of_action(
        symbol="AAPL",
        action="split",
        ex_date=date(2005, 2, 28),
        ratio=Decimal(2),
        amount=None,
        currency="USD",
        pay_date=None,
        announced=date(2005, 2, 11),
        source="derived:bokeh-wiki",
        flags="",
    )

    assert price == "price|AAPL|2013-03-01|430.47|USD|bokeh-wiki|raw|||"
    assert action == "action|AAPL/split|2005-02-28||USD|derived:bokeh-wiki|||||2|||2005-02-11"


@given(TEXTS, st.integers(min_value=1, max_value=10**6), DATES, TEXTS)
def test_every_part_of_a_header_and_all_before_it_are_in_the_chain(pack_id, sequence, asof_date, policy):
    content = fingerprint.content_hash(["a"])
    header = {
        "previous": fingerprint.GENESIS,
        "pack_id": pack_id,
        "sequence": sequence,
        "asof_date": asof_date,
        "policy": policy,
        "content_hash": content,
    }
    changes = {
        "previous": content,
        "pack_id": pack_id + "x",
        "sequence": sequence + 1,
        "asof_date": asof_date.replace(year=asof_date.year % 9998 + 1, day=1),
        "policy": policy + "x",
        "content_hash": fingerprint.content_hash(["b"]),
    }

    chained = {fingerprint.chain_hash(**(header | {key: value})) for key, value in changes.items()}

    assert len(chained | {fingerprint.chain_hash(**header)}) == len(changes) + 1
