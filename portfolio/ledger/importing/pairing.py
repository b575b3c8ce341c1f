"""Securities that leave one account of a file and come to another: one move between own accounts, not money out and in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from .rows import Row

WITHIN: Final = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class Pairing:
    """rows: in the order of the file, a pair standing where it left; unconfirmed: (out, in) of different days that may be one."""

    rows: tuple[Row, ...]
    unconfirmed_pairs: tuple[tuple[Row, Row], ...] = ()
    pairs: tuple[tuple[Row, Row], ...] = ()


def pair(rows: Sequence[Row], *, confirmed: bool, is_known: Callable[[Row], bool]) -> Pairing:
    """Out of one account and into another, the same security and quantity: one transfer where it is of one day, or within ten
    days of each other if that is confirmed. The nearest in time belong together.

    is_known  whether the ledger has the entry of a row: what came in apart stays apart, what came in as one is known as one
    """
    out = [at for at, row in enumerate(rows) if row.kind == "transfer_out" and row.quantity]
    into = [at for at, row in enumerate(rows) if row.kind == "transfer_in"]
    near = sorted(
        (abs(rows[one].date - rows[other].date), one, other)
        for one in out
        for other in into
        if rows[one].symbol == rows[other].symbol
        and rows[one].quantity == rows[other].quantity
        and rows[one].account != rows[other].account
        and abs(rows[one].date - rows[other].date) <= WITHIN
    )
    spent: set[int] = set()
    whole_of: dict[int, Row | None] = {}
    unconfirmed, pairs = [], []
    for apart, one, other in near:
        if one in spent or other in spent:
            continue
        spent |= {one, other}
        whole = join(rows[one], rows[other])
        if not is_known(whole) and is_known(rows[one]) and is_known(rows[other]):
            continue  # they came in as two
        if apart and not confirmed and not is_known(whole):
            unconfirmed.append((rows[one], rows[other]))
            continue
        whole_of[one], whole_of[other] = whole, None
        pairs.append((rows[one], rows[other]))
    remaining = (whole_of.get(at, row) for at, row in enumerate(rows))
    return Pairing(tuple(row for row in remaining if row is not None), tuple(unconfirmed), tuple(pairs))


def join(out: Row, into: Row) -> Row:
    """The transfer that two rows are. What arrives before it has left, by its dates, goes on the day that it arrives."""
    first = min(out.date, into.date)
    return replace(
        out,
        kind="transfer",
        date=first,
        to_account=into.account,
        to_date=into.date if into.date > first else None,
        to_id=into.given_id,
        unit_price=None,
        amount=None,
        fee=out.fee + into.fee,
    )
