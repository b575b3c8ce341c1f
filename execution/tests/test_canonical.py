import json
import math
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from execution import canonical
from execution.canonical import NotFinite, NotRenderable


class Status(StrEnum):
    OK = "ok"


@dataclass(frozen=True)
class Metric:
    value: float | None
    status: Status
    _cache: object = object()


@dataclass(frozen=True)
class Exposures:
    r_squared: float
    betas: dict[str, list[float]] = field(metadata={"digits": 10})
    series: np.ndarray = field(default_factory=lambda: np.array([1 / 3]), metadata={"digits": 10})


@pytest.mark.parametrize(
    ("data", "rendered"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("756411.7100"), "756411.7100"),
        (Decimal("1E-10"), "0.0000000001"),
        (Decimal("-0.00"), "0.00"),
        (1 / 3, 0.333333333333),
        (7.20523951, 7.20523951),
        (-0.0, 0.0),
        (date(2013, 3, 1), "2013-03-01"),
        (datetime(2013, 3, 1, 18, tzinfo=timezone(timedelta(hours=2))), "2013-03-01T16:00:00Z"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (np.float64(1 / 3), 0.333333333333),
        (np.int64(5), 5),
        (np.bool_(True), True),
        (Status.OK, "ok"),
        ((1, [2, None]), [1, [2, None]]),
        ({date(2013, 3, 1): 1, UUID(int=2): 2, Status.OK: 3}, None),
        (np.array([[1 / 3, 2.0], [0.1, 1e-20]]), [[0.333333333333, 2.0], [0.1, 1e-20]]),
        (np.array([1, 2]), [1, 2]),
        (np.array(["2013-03-01"], dtype="datetime64[D]"), ["2013-03-01"]),
        (np.datetime64("2013-03-01T12:00:00.000000000"), "2013-03-01"),
        (np.zeros((0,)), []),
        (np.zeros((2, 0)), [[], []]),
        (Metric(None, Status.OK), {"value": None, "status": "ok"}),
    ],
)
def test_each_kind_has_one_form(data, rendered):
    if rendered is None:
        rendered = {"2013-03-01": 1, "00000000-0000-0000-0000-000000000002": 2, "ok": 3}

    assert canonical.render(data) == rendered
    assert type(canonical.render(data)) is type(rendered)


def test_a_field_that_asks_for_ten_digits_gets_them_in_all_below_it():
    rendered = canonical.render(Exposures(1 / 3, {"rates": [1 / 3]}))

    assert rendered == {"r_squared": 0.333333333333, "betas": {"rates": [0.3333333333]}, "series": [0.3333333333]}


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, Decimal("NaN"), Decimal("Infinity"), np.float64("nan")])
def test_what_is_not_finite_never_leaves_and_is_named_by_its_pointer(bad):
    with pytest.raises(NotFinite) as refused:
        canonical.render({"perf": Exposures(1.0, {"market": [1.0, bad]})})

    assert refused.value.pointer == "/perf/betas/market/1"


def test_a_hole_in_an_array_is_named_by_its_pointer():
    with pytest.raises(NotFinite) as refused:
        canonical.render({"grid": np.array([[1.0, 2.0], [3.0, math.nan]])})

    assert refused.value.pointer == "/grid/1/1"
    assert str(refused.value) == "not a finite number at /grid/1/1"


@pytest.mark.parametrize(
    "bad",
    [
        object(),
        {1, 2},
        b"bytes",
        {1: "a number as key"},
        {"2013-03-01": 1, date(2013, 3, 1): 2},
        datetime(2013, 3, 1),  # noqa: DTZ001 - that is the point
        np.array(["NaT"], dtype="datetime64[D]"),
        np.datetime64("NaT"),
        2**53,
        "NUL \0",
        Metric,
        lambda: 1,
    ],
)
def test_what_has_no_form_is_refused(bad):
    with pytest.raises(NotRenderable):
        canonical.render([bad])


def test_data_that_holds_itself_is_refused():
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(NotRenderable, match="nested deeper"):
        canonical.render(endless)


@given(hnp.arrays(np.float64, st.integers(0, 50), elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_an_array_is_written_as_its_single_numbers_are(array):
    whole = canonical.render(array)
    singly = [canonical.render(float(value)) for value in array]

    assert canonical.canonical_bytes(whole) == canonical.canonical_bytes(singly)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_rendering_twice_changes_nothing(value):
    once = canonical.render(value)

    assert canonical.render(once) == once


def test_the_bytes_are_those_of_rfc_8785():
    # RFC 8785, section 3.2.2 and 3.2.3: the sample object and its canonical form
    sample = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '€$\x0f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }

    written = canonical.canonical_bytes(sample)

    assert written.decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_the_digest_is_sha_256_of_the_bytes_and_blind_to_the_order_of_keys():
    # SHA-256 of the two bytes {} as published widely, e.g. by `printf '{}' | sha256sum`
    assert canonical.digest({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert canonical.digest({"a": 1, "b": 2}) == canonical.digest(json.loads('{"b": 2, "a": 1}'))


def test_there_is_no_negative_zero():
    assert repr(canonical.render([-0.0, -1e-400, np.array([-0.0])])) == "[0.0, 0.0, [0.0]]"


def test_lone_surrogates_have_no_bytes():
    with pytest.raises(NotRenderable):
        canonical.canonical_bytes("\ud800")


def test_an_instant_keeps_its_moment():
    assert canonical.render(datetime(2013, 3, 1, 12, 30, 5, 7, tzinfo=UTC)) == "2013-03-01T12:30:05.000007Z"
