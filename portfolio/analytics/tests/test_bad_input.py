"""Whatever is given, a series gets finite numbers or a named error; in a table only the column at fault is NaN."""

import dataclasses
import inspect
import itertools

import numpy as np
import pytest

from portfolio.analytics import attribution, factors, returns, risk, rolling
from portfolio.analytics.errors import AnalyticsError, InvalidInput, UndefinedRate

rng = np.random.default_rng(11)
D, ROW = 80, 40
R, B = rng.normal(0.0005, 0.01, (2, D))
RATE = np.full(D, 0.0001)
VALUES, FLOWS, OUT = rng.uniform(100, 120, D), rng.uniform(0, 5, D), rng.uniform(0, 5, D)
AMOUNTS = np.concatenate([-rng.uniform(10, 100, D - 1), [9000.0]])
DAYS = np.datetime64("2020-01-01") + np.arange(D)
TABLE, FX, WEIGHTS = rng.normal(0, 0.01, (2, D, 2)).tolist(), rng.normal(0, 0.01, (D, 2)), np.full((D, 2), 0.5)
LOCAL = np.array(TABLE[0])
CHANGES = np.array(TABLE[1])
TWO = {"returns": R, "benchmark": B}
BAD = (np.nan, np.inf, -np.inf)

# Every public function with arrays that suit it, (D,) or days by holdings; True: it also takes a table of portfolios
CALLS = {
    returns.time_weighted_returns: ({"values": VALUES, "flows": FLOWS, "outflows": OUT}, True),
    returns.link: ({"returns": R}, True),
    returns.monthly_returns: ({"returns": R}, True),
    returns.yearly_returns: ({"returns": R}, True),
    returns.annualise: ({"total": np.array(0.2), "days": np.array(800.0)}, True),
    returns.period_money_weighted_return: ({"annual_rate": np.array(0.2), "days": np.array(80.0)}, True),
    returns.modified_dietz: ({"flows": FLOWS, "weights": np.linspace(1, 0, D)}, False),
    returns.composite_returns: ({"components": LOCAL, "weights": np.array([0.6, 0.4])}, False),
    returns.money_weighted_return: ({"amounts": AMOUNTS}, True),
    returns.periodic_irr: ({"amounts": AMOUNTS}, True),
    risk.volatility: ({"returns": R}, True),
    risk.downside_deviation: ({"returns": R, "mar": RATE}, True),
    risk.sharpe_ratio: ({"returns": R, "risk_free": RATE}, True),
    risk.sortino_ratio: ({"returns": R, "mar": RATE}, True),
    risk.max_drawdown: ({"returns": R}, True),
    risk.calmar_ratio: ({"returns": R}, True),
    risk.beta: (TWO, True),
    risk.alpha: (TWO | {"risk_free": RATE}, True),
    risk.alpha_compound: (TWO | {"risk_free": RATE}, True),
    risk.tracking_error: (TWO, True),
    risk.information_ratio: (TWO, True),
    risk.correlation: (TWO, True),
    risk.win_rate: ({"returns": R}, True),
    risk.value_at_risk: ({"returns": R}, True),
    risk.expected_shortfall: ({"returns": R}, True),
    risk.drawdown: ({"returns": R}, False),
    risk.risk_free_returns: ({"annual_yields": np.array(0.05), "days": np.array(3.0)}, True),
    rolling.roll: ({"returns": R}, False),
    attribution.currency_attribution: ({"local_returns": LOCAL, "fx_returns": FX, "weights": WEIGHTS}, False),
    attribution.contributions: (
        {"opening": WEIGHTS * 100, "inflows": WEIGHTS, "closing": WEIGHTS * 103, "outflows": WEIGHTS},
        False,
    ),
    attribution.hedged_returns: (
        {"local_returns": R, "fx_returns": B, "base_rate": RATE, "foreign_rate": RATE},
        False,
    ),
    attribution.carino_link: ({"daily": LOCAL, "totals": LOCAL.sum(axis=1)}, False),
    attribution.brinson: (
        {"weights": WEIGHTS, "returns": LOCAL, "benchmark_weights": WEIGHTS, "benchmark_returns": FX},
        False,
    ),
    factors.factor_exposures: ({"returns": R, "factor_changes": CHANGES}, False),
}
NAMES = {function: f"{function.__module__.rpartition('.')[2]}.{function.__name__}" for function in CALLS}
each = pytest.mark.parametrize("function", CALLS, ids=NAMES.get)


def call(function, arrays):
    """The function with what it needs beside arrays of numbers."""
    if function in (returns.monthly_returns, returns.yearly_returns, returns.money_weighted_return):
        return function(DAYS[: len(next(iter(arrays.values())))], *arrays.values())
    if function is returns.modified_dietz:
        return function(1000.0, 1300.0, **arrays)
    if function is returns.composite_returns:
        return function(**arrays, rebalanced=np.zeros(len(arrays["components"]), dtype=bool))
    if function is rolling.roll:
        return function(risk.volatility, arrays["returns"], window=10)
    if function is factors.factor_exposures:
        return function(**arrays, window=252)
    return function(**arrays)


def numbers(result):
    if dataclasses.is_dataclass(result):
        return np.concatenate([numbers(getattr(result, field.name)) for field in dataclasses.fields(result)])
    if result is None or np.asarray(result).dtype.kind not in "fiu":
        return np.empty(0)
    return np.ravel(np.asarray(result, dtype=float))


def answer(function, arrays):
    """Finite numbers, or the named error."""
    try:
        found = numbers(call(function, arrays))
    except AnalyticsError as error:
        return error
    if function is rolling.roll:  # a window without an answer is NaN, as documented
        found = found[~np.isnan(found)]
    assert np.isfinite(found).all()
    return found


def spoilt(array, bad):
    broken = np.array(array, dtype=float)
    broken[(ROW if len(broken) > ROW else 0,) if broken.ndim else ()] = bad
    return broken


def test_every_public_function_is_among_them():
    handed_on = {getattr(module, name) for module in (returns, risk) for name in module.__all__}
    own = {
        function
        for module in (rolling, attribution, factors)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    public = own | {each for each in handed_on if inspect.isfunction(each)}

    assert public - {risk.summary} == set(CALLS)  # the summary takes tables only


@each
def test_what_suits_gives_finite_numbers(function):
    found = answer(function, CALLS[function][0])

    assert isinstance(found, np.ndarray)
    assert found.size


@each
def test_nan_and_infinity_in_any_argument_are_refused_by_name(function):
    arrays, _ = CALLS[function]

    for bad, (name, array) in itertools.product(BAD, arrays.items()):
        found = answer(function, arrays | {name: spoilt(array, bad)})
        if function is factors.factor_exposures and np.isnan(bad):
            assert isinstance(found, np.ndarray)  # a day that was not measured is dropped
        else:
            assert isinstance(found, AnalyticsError), (name, bad)


@pytest.mark.parametrize("function", [function for function, (_, tables) in CALLS.items() if tables], ids=NAMES.get)
def test_in_a_table_only_the_column_at_fault_is_nan(function):
    arrays, _ = CALLS[function]
    alone = numbers_of_columns(call(function, arrays), 1)

    for bad, spoilt_name in itertools.product(BAD, arrays):
        table = {
            name: np.stack([array, spoilt(array, bad) if name == spoilt_name else array], axis=-1)
            for name, array in arrays.items()
        }
        found = numbers_of_columns(call(function, table), 2)

        np.testing.assert_allclose(found[:, 0], alone[:, 0], rtol=1e-12)
        assert np.isnan(found[:, 1]).all(), (spoilt_name, bad)


def numbers_of_columns(result, columns):
    values = result.returns if isinstance(result, returns.PeriodReturns) else result
    return np.reshape(np.asarray(values, dtype=float), (-1, columns))


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("name", ["returns", "risk_free", "mar"])
def test_in_the_summary_only_the_column_at_fault_is_nan(name, bad):
    arrays = {"returns": R, "risk_free": RATE, "mar": RATE}
    table = {
        key: np.column_stack([array, spoilt(array, bad) if key == name else array]) for key, array in arrays.items()
    }

    found = dataclasses.asdict(risk.summary(benchmark=B, **table))

    assert all(np.isfinite(values[0]) and np.isnan(values[1]) for values in found.values())


@each
def test_shapes_that_differ_are_refused_by_name(function):
    arrays, _ = CALLS[function]

    for name, array in list(arrays.items())[1:]:
        if array.ndim:
            with pytest.raises(InvalidInput):
                call(function, arrays | {name: array[:-1]})


@each
def test_one_observation_or_none_is_measured_or_refused_by_name(function):
    arrays, _ = CALLS[function]

    for rows in (0, 1):
        answer(function, {name: array[:rows] if array.ndim else array for name, array in arrays.items()})


@each
def test_flat_and_huge_series_are_measured_or_refused_by_name(function):
    arrays, _ = CALLS[function]

    for level in (0.0, 0.01, -1.0, 1e-320, 1e155, 1e308, -1e308):
        for name, array in arrays.items():
            answer(function, arrays | {name: np.full_like(array, level)})
        answer(function, {name: np.full_like(array, level) for name, array in arrays.items()})


def test_flows_that_are_all_zero_have_no_rate_and_move_no_return():
    with pytest.raises(UndefinedRate) as raised:
        returns.money_weighted_return(DAYS, np.zeros(D))

    assert raised.value.reason == "no_sign_change"
    assert returns.time_weighted_returns([100, 110], [0, 0])[0] == pytest.approx(0.1)


@pytest.mark.parametrize("function", [returns.monthly_returns, returns.yearly_returns])
def test_days_that_fall_are_refused_by_name(function):
    days = DAYS.copy()
    days[ROW], days[ROW + 1] = days[ROW + 1], days[ROW]

    for amounts in (AMOUNTS / 10_000, np.column_stack([AMOUNTS, AMOUNTS])):
        with pytest.raises(InvalidInput) as raised:
            function(days, amounts)
        assert (raised.value.argument, raised.value.index) == ("dates", ROW + 1)


FORMS = {
    "a list": np.ndarray.tolist,
    "read-only": lambda array: np.broadcast_to(array, array.shape),
    "not contiguous": lambda array: np.repeat(array, 2, axis=0)[::2],
    "Fortran order": np.asfortranarray,
    "big-endian": lambda array: array.astype(">f8"),
    "objects": lambda array: array.astype(object),
}


@each
def test_any_container_gives_the_same_answer_and_is_left_unchanged(function):
    arrays, _ = CALLS[function]
    expected = answer(function, arrays)

    for form, convert in FORMS.items():
        given = {name: convert(array.copy()) for name, array in arrays.items()}
        found = answer(function, given)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15, err_msg=form)
        for name, array in arrays.items():
            np.testing.assert_array_equal(np.asarray(given[name], dtype=float), array, err_msg=form)


@each
def test_single_precision_is_measured_as_the_same_numbers_in_double(function):
    arrays, _ = CALLS[function]
    single = {name: array.astype(np.float32) for name, array in arrays.items()}
    if function in (attribution.brinson, returns.composite_returns):  # weights that sum in double only
        single |= {name: arrays[name] for name in ("weights", "benchmark_weights") if name in arrays}

    found = answer(function, single)

    np.testing.assert_array_equal(
        found, answer(function, {name: array.astype(float) for name, array in single.items()})
    )


NO_NUMBERS = {
    "text": ["1.0", "2.0"],
    "complex": np.array([1 + 1j, 2.0]),
    "days": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "masked": np.ma.array([0.1, 0.2], mask=[True, False]),
    "beyond float64": [10**400, 1],
    "ragged": [[0.1, 0.2], [0.1]],
}


@each
def test_what_holds_no_real_numbers_is_refused_by_name(function):
    arrays, _ = CALLS[function]
    first = next(iter(arrays))

    taken = []
    for name, no_numbers in NO_NUMBERS.items():
        try:
            call(function, arrays | {first: no_numbers})
        except InvalidInput:
            continue
        taken.append(name)

    assert taken == []


@pytest.mark.parametrize("measure", [risk.value_at_risk, risk.expected_shortfall])
def test_no_loss_is_a_plain_zero(measure):
    assert np.copysign(1.0, measure(np.zeros(5))) == 1.0
