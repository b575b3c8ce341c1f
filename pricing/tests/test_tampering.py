"""A thousand seeded edits of one column of one row behind the triggers, of every column there is, and hundreds of rows lost, added
or exchanged, of headers and of contents: each is found, with its pack and its row."""

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils.timezone import override

from pricing import packs
from pricing.models import PackContent, PricingPack
from pricing.packs import fingerprint, verifying
from pricing.packs.rows import Close, price_line
from pricing.tests import market_data
from tests.plugin import role

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

SEED = 20261122
ROUNDS, EDITS = 120, 480
OF_COLUMNS = 1_000
"""At least so many of all edits are of one column of one row."""

CHANGES = {
    "pricing_packprice": (
        "close = close * 1.0001", "close = close + 1", "observed_date = observed_date - 1", "currency = 'SEK'",
        "source = source || '2'", "price_basis = 'price_index'", "flags = flags || 'x'", "factor = factor * 0.01",
        "security_id = (SELECT id FROM pricing_security WHERE symbol = 'YEW')",
    ),
    "pricing_packrate": (
        "rate = rate + 0.0001", "observed_date = observed_date - 1", "quote = 'NOK'", "base = 'SEK'", "source = 'x'",
        "fix_at = fix_at - interval '1 minute'", "flags = 'stale:1x'",
    ),
    "pricing_packobservation": (
        "value = value + 0.01", "known_at = known_at + 1", "observation_date = observation_date - 1",
        "vintage = 'other'", "source = 'x'", "flags = ''", "series_id = 'YEW1'",
    ),
    "pricing_packaction": (
        "announced = ex_date - 30", "pay_date = ex_date + 99", "source = 'x'", "ex_date = ex_date - 1",
        "ratio = ratio + 1, amount = amount + 1", "currency = 'SEK'", "flags = 'x'",
        "security_id = (SELECT id FROM pricing_security WHERE symbol = 'YEW')",
        "action = CASE action WHEN 'split' THEN 'dividend' ELSE 'split' END, ratio = amount, amount = ratio",
    ),
}  # fmt: skip
KEY_OF = {
    "pricing_packprice": "SELECT symbol FROM pricing_security WHERE id = security_id",
    "pricing_packrate": "base",
    "pricing_packobservation": "series_id",
    "pricing_packaction": "SELECT symbol FROM pricing_security WHERE id = security_id",
}
HEADERS = (
    "asof_date = asof_date - 365", "sequence = sequence + 1000", "chain_hash = repeat('a', 64)",
    "content_id = (SELECT max(content_id) FROM pricing_pricingpack AS other"
    " WHERE other.content_id <> pricing_pricingpack.content_id)",
)  # fmt: skip


@pytest.fixture
def unguarded(tmp_path):
    """Six sealed packs, and the owner with the triggers off."""
    policy = market_data.loaded(tmp_path)
    market_data.build(policy)
    with role("owner"), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "INSERT INTO pricing_security (symbol, name, currency, price_unit, kind, exchange, price_basis, first_date, source)"
            " SELECT 'YEW', name, currency, price_unit, kind, exchange, price_basis, first_date, source"
            " FROM pricing_security WHERE symbol = 'OAK'"
        )
        cursor.execute(
            "INSERT INTO pricing_series (id, title, unit, frequency, source, lag_rule, lag_days)"
            " SELECT 'YEW1', title, unit, frequency, source, lag_rule, lag_days FROM pricing_series WHERE id = 'CPI1'"
        )
        for table in (*CHANGES, "pricing_packcontent", "pricing_pricingpack"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield policy, Hand(cursor)


class Hand:
    """A cursor that remembers: before each edit the same is there."""

    def __init__(self, cursor):
        self.cursor, self.execute, self.known = cursor, cursor.execute, {}
        self.changed: Counter[tuple[str, str]] = Counter()

    def rows(self, statement):
        if statement not in self.known:
            self.cursor.execute(statement)
            self.known[statement] = self.cursor.fetchall()
        return self.known[statement]


ALL = tuple(sorted(CHANGES))
OF_ONE_CONTENT = ("pricing_packprice", "pricing_packrate")
"""A content holds all of its closes and rates, but only those observations and actions that earlier ones don't."""


def change(cursor, chance, tables=ALL, only=None):
    table = chance.choice(tables)
    how = chance.choice(CHANGES[table])
    row, content = chance.choice(
        [row for row in cursor.rows(f"SELECT id, content_id FROM {table} ORDER BY id") if only in (None, row[1])]
    )
    cursor.execute(f"UPDATE {table} SET {how} WHERE id = %s RETURNING ({KEY_OF[table]})", [row])
    (key,) = cursor.cursor.fetchone()
    cursor.changed[table, how] += 1
    return content, key


def delete(cursor, chance):
    table = chance.choice(sorted(CHANGES))
    row, content = chance.choice(cursor.rows(f"SELECT id, content_id FROM {table} ORDER BY id"))
    cursor.execute(f"DELETE FROM {table} WHERE id = %s", [row])
    return content, ""


def add(cursor, chance):
    (content,) = chance.choice(cursor.rows("SELECT content_id FROM pricing_packrate ORDER BY id"))
    cursor.execute(
        "INSERT INTO pricing_packrate (content_id, base, quote, rate, observed_date, fix_at, source, flags)"
        " SELECT content_id, base, 'NOK', rate, observed_date, fix_at, source, flags FROM pricing_packrate"
        " WHERE content_id = %s LIMIT 1",
        [content],
    )
    return content, "EUR/NOK"


def swap(cursor, chance):
    (content,) = chance.choice(cursor.rows("SELECT DISTINCT content_id FROM pricing_packprice ORDER BY content_id"))
    closes = cursor.rows(f"SELECT id, close FROM pricing_packprice WHERE content_id = {content} ORDER BY id")
    (first, its), (second, other) = chance.sample(closes, 2)
    for row, close in ((first, other), (second, its)):
        cursor.execute("UPDATE pricing_packprice SET close = %s WHERE id = %s", [close, row])
    return content, "price|"


def move_header(cursor, chance):
    pack, content = chance.choice(cursor.rows("SELECT id, content_id FROM pricing_pricingpack ORDER BY sequence"))
    cursor.execute(f"UPDATE pricing_pricingpack SET {chance.choice(HEADERS)} WHERE id = %s", [pack])
    return content, None


def reseal_one(cursor, chance):
    """A change, hidden in the content's own hash and count, but not in the chain."""
    content, _ = change(cursor, chance)
    pack = PricingPack.objects.select_related("content").get(content=content)
    ((_, lines),) = verifying.stored_lines([pack])
    content_hash, checks = fingerprint.seal(lines)
    cursor.execute(
        "UPDATE pricing_packcontent SET content_hash = %s, rows = %s, line_checks = %s WHERE id = %s",
        [content_hash, len(lines), checks, content],
    )
    return content, None


def test_a_thousand_edits_are_found_each_with_its_pack_and_row(unguarded):
    policy, cursor = unguarded
    chance = random.Random(SEED)
    missed = []
    packs_of: dict[int, set[str]] = {}
    sealed = list(PricingPack.objects.select_related("content").order_by("sequence"))
    for pack in sealed:
        packs_of.setdefault(pack.content_id, set()).add(pack.pk)
    before = [fingerprint.GENESIS, *(pack.chain_hash for pack in sealed)]
    for number in range(ROUNDS):  # each content has its edit, and each pack is looked at by itself
        with transaction.atomic():
            keys = {content: change(cursor, chance, OF_ONE_CONTENT, content)[1] for content in sorted(packs_of)}
            for (pack, lines), previous in zip(verifying.stored_lines(sealed), before, strict=False):
                found = verifying.compare(pack, lines, previous)
                if found is None or not found.row or keys[pack.content_id] not in found.row:
                    missed.append((number, "round", keys[pack.content_id], found))
            transaction.set_rollback(True)
    for number in range(EDITS):
        edit = chance.choice((*(change,) * 16, delete, add, swap, move_header, reseal_one))
        with transaction.atomic():
            content, key = edit(cursor, chance)
            found = packs.verify(policy=policy)
            named = found is not None and (
                key is None or (found.pack_id in packs_of[content] and bool(found.row) and key in found.row)
            )
            if not named:
                missed.append((number, edit.__name__, key, found))
            transaction.set_rollback(True)

    assert missed == []
    assert cursor.changed.total() >= OF_COLUMNS
    assert {(table, column) for table, how in cursor.changed for column in re.findall(r"(?:^|, )(\w+) = ", how)} == {
        (table, column)
        for table, column in cursor.rows(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        if table in CHANGES and column not in ("id", "content_id")
    }
    assert packs.verify(policy=policy) is None


def test_a_changed_row_is_told_with_what_stands_there_now_and_a_lost_one_by_its_neighbour():
    _, checks = fingerprint.seal(["price|ASH|1", "price|ELM|2", "price|OAK|3"])

    def told(*lines):
        return fingerprint.first_difference(lines, checks)

    assert told("price|ASH|1", "price|ELM|9", "price|OAK|3") == "price|ELM|9"
    assert told("price|ASH|1", "price|OAK|3") == "(a row is gone before price|OAK|3)"
    assert told("price|ELM|2", "price|OAK|3") == "(a row is gone before price|ELM|2)"
    assert told("price|ASH|1", "price|ELM|2") == "(a row is gone after price|ELM|2)"


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_a_content_has_the_same_hash_by_copy_and_by_orm_in_any_order_and_time_zone(tmp_path, zone):
    policy = market_data.loaded(tmp_path)
    pack = market_data.build(policy)[3]
    ((_, copied),) = verifying.stored_lines([pack])
    again = PackContent.objects.create(content_hash="0" * 64, rows=len(copied))
    for related in ("prices", "rates", "observations", "actions"):
        rows = list(getattr(pack.content, related).order_by("-id"))
        for row in rows:
            row.pk, row.content = None, again
            if related == "prices":
                row.close = Decimal(f"{row.close}00") if "." in str(row.close) else row.close.scaleb(-2).scaleb(2)
            if related == "rates":
                row.fix_at = row.fix_at.astimezone(timezone(timedelta(hours=9)))
            row.save()
    pack.content_id = again.pk

    with override(zone):
        ((_, saved),) = verifying.stored_lines([pack])

    assert fingerprint.content_hash(saved) == PackContent.objects.get(packs=pack).content_hash


def test_ten_thousand_rows_have_one_hash_in_every_form_and_another_when_a_value_differs():
    chance = random.Random(SEED)
    same, other = 0, 0
    for _ in range(10_000):
        number = Decimal(chance.randrange(1, 10**9)).scaleb(-chance.randrange(0, 7))
        row: dict[str, Any] = {
            "symbol": chance.choice(("OAK", "Ä\u0308", "é", "株")),
            "observed_date": datetime(2020, 1, chance.randrange(1, 29), tzinfo=UTC).date(),
            "currency": "USD",
            "source": chance.choice(("wood", "ste\u0301")),
            "price_basis": "raw",
            "flags": "",
        }
        forms = (
            number,
            Decimal(f"{number:E}"),
            Decimal(f"{number:f}" + ("0" if "." in f"{number:f}" else ".0")),
        )
        hashes = {fingerprint.content_hash([price_line(Close(security_id=1, close=form, **row))]) for form in forms}
        changed = fingerprint.content_hash(
            [price_line(Close(security_id=1, close=number + Decimal("0.0000001"), **row))]
        )
        same += len(hashes) == 1
        other += changed not in hashes

    assert (same, other) == (10_000, 10_000)
