"""The daily values of portfolios, stored by COPY."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from config.bulk import BINARY_END, BINARY_HEADER
from portfolio.models import LedgerRevision, PortfolioMetrics
from portfolio.valuation import ValueHistory
from pricing.models import PricingPack

NUMBERS = ("value", "cash", "inflow", "outflow", "receivable")


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
        """Days on which one of the numbers is unknown are left out."""
        numbers = np.column_stack([life.cash_basis_value, life.cash, life.inflow, life.outflow, life.receivable])
        known = np.isfinite(numbers).all(axis=1)
        pack_ids = life.pack_ids if known.all() else tuple(np.array(life.pack_ids)[known].tolist())
        return cls(revision.portfolio_id, revision.pk, pack_ids, life.dates[known], numbers[known])


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
    {conflict}
"""


def lock(lives: Sequence[DailyValues]) -> None:
    """Lock the revisions until the transaction ends: nobody else stores figures of them meanwhile."""
    revisions = sorted(each.revision_id for each in lives)
    list(
        LedgerRevision.objects.filter(pk__in=revisions).order_by("pk").select_for_update(no_key=True).values_list("pk")
    )


def store(lives: Sequence[DailyValues], pack: PricingPack) -> int:
    """Store the days that have no row yet. Returns how many there were.

    Metrics as of a pack are stored with the values of all that it sees. So a revision without metrics has no values, and what
    came after the newest pack with metrics is all that can be missing.
    """
    newest = {
        revision: (sequence, asof_date)
        for revision, sequence, asof_date in PortfolioMetrics.objects.filter(
            revision__in=[each.revision_id for each in lives]
        )
        .order_by("revision_id", "-pack__sequence")
        .distinct("revision_id")
        .values_list("revision_id", "pack__sequence", "pack__asof_date")
    }
    first = [each for each in lives if each.revision_id not in newest]
    later = [each for each in lives if each.revision_id in newest]
    added = _copy(first, [np.arange(len(each.dates)) for each in first], conflict="") if first else 0
    if later:
        sealed = dict(
            PricingPack.objects.filter(policy=pack.policy_id, sequence__isnull=False).values_list("pk", "sequence")
        )
        new = []
        for each in later:
            sequence, asof_date = newest[each.revision_id]
            sequences = np.array([sealed[pack_id] for pack_id in each.pack_ids])
            new.append(np.flatnonzero((sequences > sequence) | (each.dates > np.datetime64(asof_date))))
        added += _copy(later, new, conflict="ON CONFLICT DO NOTHING")
    return added


def _copy(lives: Sequence[DailyValues], new: Sequence[npt.NDArray[np.intp]], *, conflict: str) -> int:
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
        columns=", ".join(NUMBERS), numbers=", ".join(f"{name}::text::numeric" for name in NUMBERS), conflict=conflict
    )
    with transaction.atomic(), connection.cursor() as cursor:
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
