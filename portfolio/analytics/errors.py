"""What the analytics refuse by name, and the checks that refuse it.

One series `(D,)` raises; a table `(D, P)` gives NaN for the columns that have no answer, so that one bad portfolio
does not stop the others. Shapes that do not fit raise for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from config.counts import number_of
from config.errors import TieoutError

Floats: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Measure: TypeAlias = Any  # float for one series (D,), array (P,) for a table (D, P)
NO_RATE: Final[Mapping[str, str]] = {
    "no_sign_change": "money went one way only",
    "no_root": "none makes up for what was paid",
    "several_roots": "more than one fits",
    "out_of_range": "it is too large for a number",
}
"""Why there is no internal rate of return, in words."""


class AnalyticsError(TieoutError, ValueError):
    """A number that can't be computed from what was given."""


class InvalidInput(AnalyticsError):
    """An argument that no formula should see: NaN, infinity, another shape, another sign.

    index: the row (arrays) or transaction (booking) at fault, where there is one.
    """

    def __init__(self, argument: str, problem: str, index: int | None = None) -> None:
        where = "" if index is None else f" at {index}"
        super().__init__(f"{argument.replace('_', ' ')} {problem}{where}")
        self.argument, self.problem, self.index = argument, problem, index


class TooFewObservations(InvalidInput):
    """Fewer observations than the measure needs."""

    def __init__(self, argument: str, least: int, count: int) -> None:
        super().__init__(argument, f"holds {number_of(count, 'observation')}, {least} are needed")
        self.least, self.count = least, count


class UndefinedReturn(AnalyticsError):
    """A return without meaning: it starts at or below zero, or ends below nothing where it has to be linked."""

    def __init__(self, reason: str, index: int | None = None) -> None:
        super().__init__(reason if index is None else f"{reason} (sub-period {index})")
        self.reason, self.index = reason, index


class NotAnnualised(AnalyticsError):
    """Nothing under 365 days is annualised."""

    def __init__(self, days: float) -> None:
        super().__init__(f"{days:g} days are not annualised: 365 are needed")
        self.days = days


class UndefinedRate(AnalyticsError):
    """No internal rate of return, or more than one. reason: a key of NO_RATE; roots: the rates found, rising."""

    def __init__(self, reason: str, roots: tuple[float, ...] = ()) -> None:
        root_list = f", {', '.join(f'{root:.6g}' for root in roots)}" if roots else ""
        super().__init__(f"no single internal rate of return: {NO_RATE[reason]}{root_list}")
        self.reason, self.roots = reason, roots


class UndefinedRatio(AnalyticsError):
    """A ratio whose denominator does not vary or is zero. reason: what is wrong with it."""

    def __init__(self, measure: str, reason: str) -> None:
        super().__init__(f"{measure} is not defined: {reason}")
        self.measure, self.reason = measure, reason


class Oversold(AnalyticsError):
    """More is sold or moved out than is held. index: place of the transaction in the sequence that was given."""

    def __init__(
        self, *, index: int, on: date, symbol: str, account: str, available: Decimal, quantity: Decimal
    ) -> None:
        super().__init__(f"transaction {index} of {on}: {quantity} {symbol} asked, {available} held")
        self.index, self.date, self.symbol, self.account = index, on, symbol, account
        self.available, self.quantity = available, quantity


def as_floats(name: str, values: npt.ArrayLike) -> Floats:
    """The values as float64, whatever their shape. Text, days, complex numbers and what is masked are no numbers here."""
    try:
        if np.ma.is_masked(values) or np.asarray(values).dtype.kind not in "biufO":
            raise TypeError(values)
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as exc:
        raise InvalidInput(name, "is not an array of numbers") from exc


def require_finite(name: str, values: Floats) -> None:
    """Refuse NaN and infinity, naming the first row that holds one."""
    if not np.isfinite(values).all():
        row = None if values.ndim == 0 else int(np.argwhere(~np.isfinite(values))[0][0])
        raise InvalidInput(name, "is NaN or infinite", row)


def finite_columns(values: Floats) -> Bools:
    """Per series: nothing in it is NaN or infinite. 0-d for (D,), (P,) for (D, P)."""
    with np.errstate(over="ignore"):
        total = values.sum()
    if np.isfinite(total):  # any NaN or infinity would show in the sum: one pass, no temporary
        return np.ones(values.shape[1:], dtype=np.bool_)
    return np.asarray(np.isfinite(values).all(axis=0))


def observations(least: int, **arrays_by_name: npt.ArrayLike) -> tuple[list[Floats], Bools]:
    """Arrays that go together, and which of their series may be measured.

    The first is (D,) or (D, P) with D >= least; each other is a number, (D,), or of the first one's shape.
    Returns them so that they broadcast against the first, with a mask: 0-d for (D,), (P,) for (D, P). A table with
    too few rows comes back as NaN. Raises InvalidInput, TooFewObservations.
    """
    (name, values), *others = arrays_by_name.items()
    first = as_floats(name, values)
    if first.ndim not in (1, 2):
        raise InvalidInput(name, f"has {first.ndim} axes, 1 or 2 are needed")
    arrays, ok = [first], finite_columns(first)
    for other, value in others:
        array = as_floats(other, value)
        if array.ndim == 1 and first.ndim == 2:
            array = array[:, None]
        if array.ndim and (array.ndim != first.ndim or len(array) != len(first)):
            raise InvalidInput(other, f"has shape {np.shape(value)}, {name} has {first.shape}")
        if array.ndim == 2 and array.shape[1] not in (1, first.shape[1]):
            raise InvalidInput(other, f"has shape {np.shape(value)}, {name} has {first.shape}")
        ok = ok & (np.isfinite(array) if array.ndim == 0 else finite_columns(array))
        arrays.append(array)
    if first.ndim == 1:
        for label, array in zip(arrays_by_name, arrays, strict=True):
            require_finite(label, array)
        if len(first) < least:
            raise TooFewObservations(name, least, len(first))
    elif len(first) < least:
        empty = np.full((least, first.shape[1]), np.nan)
        return [empty if array.ndim else array for array in arrays], np.zeros(first.shape[1], dtype=np.bool_)
    return arrays, np.asarray(ok)


def settle(value: npt.ArrayLike, defined: npt.ArrayLike, undefined: AnalyticsError) -> Measure:
    """The answer of one series or the named error; of a table the answers, NaN where there is none."""
    answer = np.asarray(value, dtype=np.float64)
    good = np.asarray(defined) & np.isfinite(answer)
    if answer.ndim == 0:
        if not good:
            raise undefined
        return float(answer)
    return np.where(good, answer, np.nan)
