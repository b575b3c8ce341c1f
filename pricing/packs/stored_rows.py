"""The rows of packs in their tables.

Packs and rows meet here, not in the database: while packs are built and right after, its statistics are of another time, and it
has been seen to join the whole of both by nested loops for minutes.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from django.db.models import Model
from django.db.models.expressions import RawSQL

from pricing.fx import Leg
from pricing.models import PackAction, PackObservation, PackPrice, PackRate, PricingPack
from pricing.packs.rows import Close, KnownAction, KnownObservation, PackRows, field_names


@dataclass(frozen=True, slots=True)
class RowTable:
    """One kind of rows: its table, its value class, and where PackRows holds it."""

    model: type[Model]
    row: type[Any]
    attribute: str

    def copied_columns(self) -> dict[str, str]:
        """By field of the value class, the column that it is copied into. A symbol is stored as its security's number."""
        stored_as = {"symbol": "security_id", "series": "series_id"}
        names = field_names(self.row)
        return {name: stored_as.get(name, name) for name in names if not (name == "symbol" and "security_id" in names)}


def orm_columns(row: type[Any]) -> tuple[str, ...]:
    """What the fields of a value class are read from, in the order of its constructor."""
    read_from = {"symbol": "security__symbol", "series": "series_id"}
    return tuple(read_from.get(name, name) for name in field_names(row))


TABLES = (
    RowTable(PackPrice, Close, "closes"),
    RowTable(PackRate, Leg, "rates"),
    RowTable(PackObservation, KnownObservation, "observations"),
    RowTable(PackAction, KnownAction, "actions"),
)


def read(contents: Collection[int]) -> dict[int, PackRows]:
    """By content, its rows as the database has them."""
    by_content = {content: PackRows() for content in contents}
    for table in TABLES:
        rows = table.model._default_manager.filter(content__in=by_content).order_by()
        for content, *cells in rows.values_list("content_id", *orm_columns(table.row)):
            getattr(by_content[content], table.attribute).append(table.row(*cells))
    return by_content


def sealed_contents(*, policy: str, up_to: int | None = None) -> list[int]:
    """The ids of the contents of a policy's sealed packs, in order of sequence, up to that one (None: all)."""
    sealed = PricingPack.objects.filter(policy=policy, sequence__isnull=False)
    visible = sealed if up_to is None else sealed.filter(sequence__lte=up_to)
    # None is sealed without content: the database refuses it.
    return cast("list[int]", list(visible.order_by("sequence").values_list("content_id", flat=True)))


def in_order_of(contents: Sequence[int], rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows, which begin with the id of their content, sorted as `contents` are, and without that id.

    Rows of one content keep their order; rows of other contents are left out.
    """
    of_content: dict[int, list[tuple[Any, ...]]] = {content: [] for content in contents}
    for content, *row in rows:
        if content in of_content:
            of_content[content].append(tuple(row))
    return [row for content in contents for row in of_content[content]]


def any_of(ids: Iterable[int]) -> RawSQL:
    """Thousands of ids as one parameter, for `__in`: each as one of its own costs more than the reading of what they name."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])


def observations(
    contents: Sequence[int], *, series: Collection[str] | None = None, known_by: date | None = None
) -> list[KnownObservation]:
    """Observations of sealed packs, in the order of `contents`; None: of all series, whenever they were known."""
    rows = PackObservation.objects.order_by("observation_date")
    if series is not None:
        # By its index (content, series, date).
        rows = rows.filter(content__in=any_of(contents), series__in=series)
    if known_by is not None:
        rows = rows.filter(known_at__lte=known_by)
    columns = rows.values_list("content_id", *orm_columns(KnownObservation))
    return [KnownObservation(*row) for row in in_order_of(contents, columns.iterator(chunk_size=10_000))]


def actions(contents: Sequence[int]) -> list[KnownAction]:
    """Every action of sealed packs, in the order of `contents`."""
    rows = PackAction.objects.order_by("ex_date").values_list("content_id", *orm_columns(KnownAction))
    return [KnownAction(*row) for row in in_order_of(contents, rows.iterator(chunk_size=10_000))]
