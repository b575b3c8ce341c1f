"""Which days a tax year has: the calendar year, or one that begins on another day of it."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeAlias, get_args

from config.errors import TieoutError

Begins: TypeAlias = Literal["01-01", "03-01", "04-01", "04-06", "07-01", "10-01"]
"""Month and day on which each year begins."""
BEGINNINGS: Final[tuple[Begins, ...]] = get_args(Begins)


class YearNotBegun(TieoutError):
    """The tax year that was asked for begins after the as-of date."""

    def __init__(self, first_date: date, asof_date: date) -> None:
        super().__init__(f"the tax year begins on {first_date.isoformat()}, after {asof_date.isoformat()}")
        self.first_date, self.asof_date = first_date, asof_date


@dataclass(frozen=True, slots=True)
class TaxYear:
    """A year by the calendar year in which it begins, both days included."""

    year: int
    first_date: date
    last_date: date

    @property
    def label(self) -> str:
        """2020, or 2020/21 for one that ends in the calendar year after."""
        return str(self.year) if self.last_date.year == self.year else f"{self.year}/{self.last_date.year % 100:02}"

    def holds(self, day: date) -> bool:
        return self.first_date <= day <= self.last_date


def starting_in(year: int, begins: Begins) -> TaxYear:
    """The tax year that begins in a calendar year."""
    month, day = (int(part) for part in begins.split("-"))
    return TaxYear(year, date(year, month, day), date(year + 1, month, day) - timedelta(days=1))


def of_day(day: date, begins: Begins) -> TaxYear:
    """The tax year that a day is in."""
    this_year = starting_in(day.year, begins)
    return this_year if day >= this_year.first_date else starting_in(day.year - 1, begins)


def choose(year: int | None, begins: Begins, asof_date: date) -> TaxYear:
    """The year that was asked for, or that of the as-of date. Raises YearNotBegun."""
    tax_year = of_day(asof_date, begins) if year is None else starting_in(year, begins)
    if tax_year.first_date > asof_date:
        raise YearNotBegun(tax_year.first_date, asof_date)
    return tax_year
