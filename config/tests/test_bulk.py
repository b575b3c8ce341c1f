"""Many rows by COPY, into tables that PostgreSQL itself would refuse to copy into."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, ProgrammingError, connection, transaction

from config.bulk import copy_in
from portfolio.models import DailyValue, Portfolio
from pricing.models import Security
from tests import plugin

pytestmark = pytest.mark.role("job")

SECURITY = (
    "symbol",
    "name",
    "currency",
    "price_unit",
    "kind",
    "exchange",
    "price_basis",
    "first_date",
    "last_date",
    "source",
)


def security(symbol, name="Oak", last_date=None, source="wood"):
    return (symbol, name, "USD", "USD", "equity", "XNYS", "raw", date(2020, 1, 2), last_date, source)


def test_rows_arrive_as_they_were_given(empty):
    awkward = 'tab\there, back\\slash, "quote", new\nline, \\N and \N{SNOWMAN}'

    elm = security("ELM", last_date=date(2020, 1, 9))
    inserted = copy_in(Security, SECURITY, [security("OAK", source=awkward), elm])

    assert inserted == 2
    assert list(Security.objects.order_by("symbol").values_list("symbol", "source", "last_date")) == [
        ("ELM", "wood", date(2020, 1, 9)),
        ("OAK", awkward, None),
    ]


def test_no_rows_are_no_rows(empty):
    assert copy_in(Security, SECURITY, []) == 0


def test_columns_may_come_in_any_order(empty):
    copy_in(Security, SECURITY[::-1], [security("OAK")[::-1]])

    assert Security.objects.get().symbol == "OAK"


def test_a_row_that_is_there_already_stays_as_it_is_when_asked_to(empty):
    copy_in(Security, SECURITY, [security("OAK", "first")])

    inserted = copy_in(Security, SECURITY, [security("OAK", "second"), security("ELM")], keep_existing=True)

    assert inserted == 1
    assert Security.objects.get(symbol="OAK").name == "first"


def test_all_or_nothing_arrives(empty):
    copy_in(Security, SECURITY, [security("OAK")])

    with pytest.raises(IntegrityError):
        copy_in(Security, SECURITY, [security("ELM"), security("OAK")])

    assert list(Security.objects.values_list("symbol", flat=True)) == ["OAK"]


def test_an_error_among_the_rows_leaves_nothing_behind(empty):
    def rows():
        yield security("OAK")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        copy_in(Security, SECURITY, rows())
    inserted = copy_in(Security, SECURITY, [security("ELM")])

    assert inserted == 1
    assert Security.objects.count() == 1


def test_two_tables_are_filled_in_one_transaction(empty):
    with transaction.atomic():
        copy_in(Security, SECURITY, [security("OAK")])
        copy_in(Group, ("name",), [("readers",)])

    assert (Security.objects.count(), Group.objects.filter(name="readers").count()) == (1, 1)


def test_numbers_keep_every_digit(private_demo):
    old = DailyValue.objects.filter(portfolio__slug="public").first()
    exact = Decimal("0.1234567890123456789012345678")
    second = Portfolio.objects.get(slug="second")
    columns = ("portfolio_id", "revision_id", "pack_id", "date", "value", "cash", "inflow", "outflow", "receivable")

    copy_in(DailyValue, columns, [(second.pk, old.revision_id, old.pack_id, old.date, exact, 0, 0, 0, 0)])

    assert DailyValue.objects.get(portfolio=second, revision=old.revision_id).value == exact


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused(number, demo):
    old = DailyValue.objects.filter(portfolio__slug="public").first()
    row = (old.portfolio_id, old.revision_id, old.pack_id, old.date, Decimal(number), 0, 0, 0, 0)
    columns = ("portfolio_id", "revision_id", "pack_id", "date", "value", "cash", "inflow", "outflow", "receivable")

    with pytest.raises(IntegrityError, match="finite_number"):
        copy_in(DailyValue, columns, [row])


def test_row_level_security_sees_each_row(private_demo):
    """The app role may not write daily values at all; where it may, a foreign row is refused like any other."""
    with plugin.role("owner"), connection.cursor() as cursor:
        cursor.execute("GRANT INSERT ON portfolio_dailyvalue TO app")
    old = DailyValue.objects.filter(portfolio__slug="public").first()
    columns = ("portfolio_id", "revision_id", "pack_id", "date", "value", "cash", "inflow", "outflow", "receivable")
    row = (UUID(int=1), old.revision_id, old.pack_id, old.date, 1, 0, 0, 0, 0)

    with plugin.role("app"), pytest.raises(ProgrammingError, match="row-level security"):
        copy_in(DailyValue, columns, [row])
