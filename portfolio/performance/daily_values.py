"""The daily values of portfolios, stored by COPY. Storing them again changes nothing."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import QuerySet

from config.bulk import BINARY_END, BINARY_HEADER
from portfolio import books
from portfolio.models import DailyValue, LedgerRevision, Portfolio
from portfolio.valuation import ValueHistory, Valuer
from pricing import market
from pricing.models import PricingPack

NUMBERS = ("value", "cash", "inflow", "outflow", "receivable")

PortfolioRevision = tuple[Portfolio, LedgerRevision]
"""A portfolio, and the revision of it that is computed from."""


@dataclass(frozen=True, slots=True)
class DailyValues:
    """The numbers of a value history that are stored for each of its days."""

    portfolio_id: UUID
    revision_id: int
    pack_ids: tuple[str, ...]
    dates: npt.NDArray[np.datetime64]
    numbers: npt.NDArray[np.float64]
    """(D, 5) in the order of NUMBERS."""

    @classmethod
    def from_history(cls, revision: LedgerRevision, life: ValueHistory) -> "DailyValues":
        numbers = np.column_stack([life.cash_basis_value, life.cash, life.inflow, life.outflow, life.receivable])
        return cls(revision.portfolio_id, revision.pk, life.pack_ids, life.dates, numbers)


def store(*, portfolios: Sequence[PortfolioRevision], pack: PricingPack) -> int:
    """Store each day of the portfolios' lives as of a pack that has no row yet, in one transaction. Returns how many there were.

    A life ends with a value on the pack's own day or is refused. So a revision with a row of the pack has all rows of what it sees,
    and is passed over; thus a chunk that was cut short is cheaply done again.

    raises  what Valuer.history raises, for any of them: then nothing is stored
    """
    stored_revisions = set(_rows_of(portfolios).filter(pack=pack).values_list("revision_id", flat=True))
    missing = [(portfolio, revision) for portfolio, revision in portfolios if revision.pk not in stored_revisions]
    if not missing:
        return 0
    valuer = Valuer(market.history(pack))
    lives = [
        DailyValues.from_history(revision, valuer.history(book))
        for (_, revision), book in zip(missing, books.load_all(missing), strict=True)
    ]
    with transaction.atomic():
        # Whoever else stores values of these revisions waits here, and then finds them.
        revisions = LedgerRevision.objects.filter(pk__in=[revision.pk for _, revision in missing]).order_by("pk")
        list(revisions.select_for_update(no_key=True).values_list("pk"))
        stored_packs: dict[int, set[str]] = defaultdict(set)
        for revision_id, pack_id in _rows_of(missing).values_list("revision_id", "pack_id").iterator():
            stored_packs[revision_id].add(pack_id)
        return _copy(
            lives,
            [
                np.flatnonzero([pack_id not in stored_packs[each.revision_id] for pack_id in each.pack_ids])
                for each in lives
            ],
        )


def _rows_of(portfolios: Sequence[PortfolioRevision]) -> "QuerySet[DailyValue]":
    """By portfolio, too, with which the index begins."""
    return DailyValue.objects.filter(
        portfolio__in=[portfolio.pk for portfolio, _ in portfolios],
        revision__in=[revision.pk for _, revision in portfolios],
    ).order_by()


_ROW = np.dtype(
    [("fields", ">i2"), ("book_size", ">i4"), ("book", ">i4"), ("day_size", ">i4"), ("day", ">i4")]
    + [part for name in NUMBERS for part in ((f"{name}_size", ">i4"), (name, ">f8"))]
)
"""A row as binary COPY reads it: how many fields, and each behind its size. Thousands of days cost one assignment a field."""
_ARRIVING = "CREATE TEMP TABLE arriving (book int, day int, {}) ON COMMIT DROP".format(
    ", ".join(f"{name} float8" for name in NUMBERS)
)
# The shortest text of a float8 is exact, its cast to numeric is not (15 digits).
_INSERT = """
    INSERT INTO portfolio_dailyvalue (portfolio_id, revision_id, pack_id, date, {columns})
    SELECT books.portfolio_id, books.revision_id, days.pack_id, days.date, {numbers}
    FROM arriving
    JOIN unnest(%s::uuid[], %s::bigint[]) WITH ORDINALITY AS books (portfolio_id, revision_id, place) ON books.place = book
    JOIN unnest(%s::text[], %s::date[]) WITH ORDINALITY AS days (pack_id, date, place) ON days.place = day
"""


def _copy(lives: Sequence[DailyValues], new: Sequence[npt.NDArray[np.intp]]) -> int:
    """Insert the days_of_it days of each in the order of the table's key: the index then takes half the time. Returns how many."""
    days: dict[str, object] = {}
    rows = np.zeros(sum(map(len, new)), dtype=_ROW)
    rows["fields"] = 2 + len(NUMBERS)
    for name in _ROW.names or ():
        if name.endswith("_size"):
            rows[name] = 8 if name.removesuffix("_size") in NUMBERS else 4
    for each in lives:
        days.update(zip(each.pack_ids, each.dates.tolist(), strict=True))
    place_of = {pack_id: place for place, pack_id in enumerate(days, 1)}
    begin = 0
    for place, (each, days_of_it) in enumerate(zip(lives, new, strict=True), 1):
        part = rows[begin : begin + len(days_of_it)]
        begin += len(days_of_it)
        part["book"] = place
        part["day"] = np.array([place_of[pack_id] for pack_id in each.pack_ids])[days_of_it]
        for column, name in enumerate(NUMBERS):
            part[name] = each.numbers[days_of_it, column]
    statement = _INSERT.format(
        columns=", ".join(NUMBERS), numbers=", ".join(f"{name}::text::numeric" for name in NUMBERS)
    )
    with connection.cursor() as cursor:
        cursor.execute(_ARRIVING)
        with connection.wrap_database_errors, cursor.copy("COPY arriving FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(BINARY_HEADER + rows.tobytes() + BINARY_END)
        cursor.execute(
            statement,
            [
                [each.portfolio_id for each in lives],
                [each.revision_id for each in lives],
                list(days),
                list(days.values()),
            ],
        )
        inserted = cursor.rowcount
        cursor.execute("DROP TABLE arriving")
    return int(inserted)
