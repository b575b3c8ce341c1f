"""Which pack answers for a date, how its status moves, and that what is stored is what was sealed."""

from datetime import date
from itertools import product
from uuid import UUID

import pytest
from django.db import Error, connection, transaction

from pricing import packs
from pricing.models import PackStatus, PricingPack
from pricing.packs import verifying
from pricing.tests import market_data
from tests.plugin import role

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

OTHER_RUN = UUID(int=2)


@pytest.fixture
def policy(tmp_path):
    return market_data.loaded(tmp_path)


def test_without_a_date_the_newest_pack_day_answers_whatever_its_status(policy):
    market_data.jobs_done()
    built = market_data.build(policy)
    packs.mark_fresh(built[:-1])

    resolved = packs.resolve(policy=policy)

    assert resolved.pk == built[-1].pk
    with pytest.raises(packs.PackWarming) as caught:
        packs.require_fresh(pack=resolved)
    assert (caught.value.pack_id, caught.value.status) == (built[-1].pk, "warming")


def test_a_date_without_a_pack_day_is_answered_by_the_last_one_before_it(policy):
    built = market_data.build(policy)

    assert packs.resolve(policy=policy, asof_date=date(2020, 1, 5)).pk == built[1].pk
    assert packs.resolve(policy=policy, asof_date=date(2020, 2, 1)).pk == built[-1].pk


@pytest.mark.parametrize("asof_date", [date(2020, 1, 1), date(2020, 1, 11)])
def test_a_date_before_the_first_pack_or_after_today_is_out_of_range(policy, asof_date):
    market_data.build(policy)

    with pytest.raises(packs.AsofOutOfRange) as caught:
        packs.resolve(policy=policy, asof_date=asof_date, today=date(2020, 1, 10))

    assert (caught.value.first, caught.value.last) == (date(2020, 1, 2), date(2020, 1, 10))


def test_without_any_pack_the_answer_is_that_it_is_absent(policy):
    with pytest.raises(packs.PackWarming) as caught:
        packs.resolve(policy=policy)

    assert (caught.value.pack_id, caught.value.status) == ("", "absent")


def test_a_dates_pack_is_its_highest_fresh_one_and_else_its_newest_release(policy):
    market_data.jobs_done()
    market_data.jobs_done(OTHER_RUN)
    day = date(2020, 1, 9)
    first = market_data.build(policy, day, day)[0]
    packs.mark_fresh([first])
    second = market_data.build(policy, day, day, restate_reason="again", run=OTHER_RUN)[0]

    while_warming = packs.resolve(policy=policy, asof_date=day)
    packs.mark_fresh([second])
    when_fresh = packs.resolve(policy=policy, asof_date=day)

    assert while_warming.pk == first.pk
    assert when_fresh.pk == second.pk


def test_a_pack_in_error_says_its_job_and_reason(policy):
    pack = market_data.build(policy)[-1]
    packs.mark_error([pack], job="reconcile_ledger", reason="one break")

    with pytest.raises(packs.PackInError) as caught:
        packs.require_fresh(pack=packs.resolve(policy=policy))

    assert (caught.value.pack_id, caught.value.job, caught.value.reason) == (pack.pk, "reconcile_ledger", "one break")
    assert packs.require_sealed(pack=pack) is pack


def test_an_unknown_id_is_not_found():
    with pytest.raises(packs.PackNotFound, match="PP_1999-01-01_ECB_EUR_r1"):
        packs.find(pack_id="PP_1999-01-01_ECB_EUR_r1")


def test_fresh_is_final_and_an_error_can_be_tried_again(policy):
    market_data.jobs_done()
    fresh, failed = market_data.build(policy)[:2]
    packs.mark_fresh([fresh])
    packs.mark_error([failed], job="compute_metrics", reason="x")

    packs.mark_warming([failed])

    failed.refresh_from_db()
    assert (failed.status, failed.failed_job, failed.reason) == ("warming", "", "")
    with pytest.raises(packs.BadTransition):
        packs.mark_error([fresh], job="late", reason="x")


def test_if_one_pack_cannot_move_none_does(policy):
    market_data.jobs_done()
    built = market_data.build(policy)
    packs.mark_fresh(built[:1])

    with pytest.raises(packs.BadTransition) as caught:
        packs.mark_fresh(built)

    assert caught.value.pack_ids
    assert PricingPack.objects.filter(status="fresh").count() == 1


def test_a_pack_that_was_never_sealed_stays_in_error(policy):
    market_data.without_room(policy)
    with pytest.raises(packs.PackIncomplete) as caught:
        market_data.build(policy)

    with pytest.raises(packs.BadTransition):
        packs.mark_warming([packs.find(pack_id=caught.value.pack_ids[0])])


@pytest.mark.parametrize(
    ("before", "after"),
    [(before, after) for before, after in product(("warming", "fresh", "error"), PackStatus) if before != after],
)
def test_the_database_keeps_the_same_table_of_transitions(policy, before, after):
    market_data.jobs_done()
    pack = market_data.build(policy, date(2020, 1, 2), date(2020, 1, 2))[0]
    if before != "warming":
        PricingPack.objects.filter(pk=pack.pk).update(status=before, reason="x" if before == "error" else "")

    def move():
        with transaction.atomic():
            PricingPack.objects.filter(pk=pack.pk).update(status=after, reason="x" if after == "error" else "")

    if after in packs.TRANSITIONS[PackStatus(before)]:
        move()
        assert PricingPack.objects.get(pk=pack.pk).status == after
    else:
        with pytest.raises(Error):
            move()


def test_a_pack_opens_only_behind_the_jobs_of_its_run(policy):
    pack = market_data.build(policy)[0]

    with pytest.raises(Error, match="its jobs are not done"), transaction.atomic():
        packs.mark_fresh([pack])

    assert PricingPack.objects.get(pk=pack.pk).status == "warming"


def test_what_was_sealed_verifies(policy):
    built = market_data.build(policy)

    assert packs.verify(policy=policy) is None
    assert packs.require_intact(pack=built[3]) is built[3]


@pytest.mark.parametrize("most", [1, 14, 10_000])
def test_packs_are_read_again_some_at_a_time_and_all_of_them(policy, monkeypatch, most):
    built = market_data.build(policy)
    monkeypatch.setattr(verifying, "CHUNK_ROWS", most)

    read = list(verifying.stored_lines([packs.find(pack_id=pack.pk) for pack in built]))

    assert [pack.pk for pack, _ in read] == [pack.pk for pack in built]
    assert [len(lines) for _, lines in read] == [pack.content.rows for pack, _ in read]
    assert packs.verify(policy=policy) is None


TAMPERINGS = [
    ("pricing_packprice", "UPDATE pricing_packprice SET close = close + 1 WHERE content_id = %s", "content hash"),
    ("pricing_packprice", "DELETE FROM pricing_packprice WHERE content_id = %s", "number of rows"),
    (
        "pricing_packrate",
        "UPDATE pricing_packrate SET observed_date = observed_date - 1 WHERE content_id = %s",
        "content hash",
    ),
    (
        "pricing_packrate",
        "UPDATE pricing_packrate SET fix_at = fix_at - interval '1 s' WHERE content_id = %s",
        "content hash",
    ),
    (
        "pricing_packobservation",
        "UPDATE pricing_packobservation SET known_at = known_at + 1 WHERE content_id = %s",
        "content hash",
    ),
    ("pricing_packaction", "UPDATE pricing_packaction SET announced = ex_date WHERE content_id = %s", "content hash"),
    (
        "pricing_pricingpack",
        "UPDATE pricing_pricingpack SET asof_date = asof_date - 100 WHERE content_id = %s",
        "chain hash",
    ),
    (
        "pricing_pricingpack",
        "UPDATE pricing_pricingpack SET sequence = sequence + 100 WHERE content_id = %s",
        "sequence",
    ),
]


@pytest.mark.parametrize(
    ("table", "statement", "what"), TAMPERINGS, ids=[statement[:52] for _, statement, _ in TAMPERINGS]
)
def test_an_edit_behind_the_triggers_is_found_and_named(policy, table, statement, what):
    pack = market_data.build(policy)[1]
    with role("owner"), connection.cursor() as cursor:  # who alone can turn the triggers off
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, [pack.content_id])

    found = packs.verify(policy=policy)

    assert found is not None
    assert found.what == what
    if what == "sequence":
        assert found.pack_id == "PP_2020-01-06_ECB_EUR_r1"  # the one that stands where the moved pack should
    else:
        assert found.pack_id == pack.pk


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pricing_packprice SET close = 1",
        "DELETE FROM pricing_packprice",
        "UPDATE pricing_packcontent SET rows = 1",
        "DELETE FROM pricing_pricingpack",
        "TRUNCATE pricing_packprice",
        "TRUNCATE pricing_pricingpack CASCADE",
        "UPDATE pricing_pricingpack SET chain_hash = repeat('0', 64)",
        "UPDATE pricing_pricingpack SET content_id = NULL",
        "INSERT INTO pricing_packrate (content_id, base, quote, rate, observed_date, fix_at, source, flags)"
        " SELECT id, 'EUR', 'NOK', 9, '2020-01-02', now(), 'x', '' FROM pricing_packcontent",
    ],
)
def test_the_database_refuses_every_role_to_change_what_is_sealed(policy, statement):
    market_data.build(policy)

    for name in ("app", "job", "owner"):
        with pytest.raises(Error), role(name), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    assert packs.verify(policy=policy) is None


ROW_EDITS = {
    "edited": ("UPDATE {table} SET source = 'y' WHERE id = %s", "y"),
    "gone": ("DELETE FROM {table} WHERE id = %s", "(a row is gone "),
}


@pytest.mark.parametrize("table", ["price", "rate", "observation", "action"])
@pytest.mark.parametrize("edit", ROW_EDITS)
def test_of_a_content_that_differs_the_row_is_named(policy, table, edit):
    packs_of_days = market_data.build(policy)
    statement, told = ROW_EDITS[edit]
    table = f"pricing_pack{table}"
    with role("owner"), connection.cursor() as cursor:
        cursor.execute(f"SELECT id, content_id FROM {table} ORDER BY id DESC LIMIT 1")
        row, content = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement.format(table=table), [row])

    found = packs.verify(policy=policy)

    assert found is not None
    assert found.pack_id == next(pack.pk for pack in packs_of_days if pack.content_id == content)
    assert found.row.startswith(told) if edit == "gone" else told in found.row.split("|")
    assert found.row in str(found)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO pricing_packprice (content_id, security_id, close, currency, observed_date, price_basis, source, flags)"
        " SELECT id, 0, 1, 'USD', '2020-01-02', 'raw', 'x', '' FROM added",
        "INSERT INTO pricing_packrate (content_id, base, quote, rate, observed_date, fix_at, source, flags)"
        " VALUES (0, 'EUR', 'NOK', 9, '2020-01-02', now(), 'x', '')",
        "INSERT INTO pricing_packobservation"
        " (content_id, series_id, observation_date, value, known_at, vintage, source, flags)"
        " SELECT id, 'NONE', '2020-01-02', 1, '2020-01-02', '', 'x', '' FROM added",
    ],
)
def test_a_row_of_a_pack_refers_to_what_is_there(policy, statement):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pricing_packcontent (content_hash, rows, line_checks) VALUES (repeat('a', 64), 1, '')"
        )
        cursor.execute("CREATE TEMP VIEW added AS SELECT id FROM pricing_packcontent WHERE rows = 1")

    with pytest.raises(Error, match="there is no"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET id = id || '9'", "TRUNCATE {} CASCADE"])
@pytest.mark.parametrize("table", ["pricing_security", "pricing_series"])
def test_what_rows_refer_to_keeps_its_key_and_never_goes(policy, table, statement):
    statement = statement.format(table).replace("id || '9'", "id + 900" if table == "pricing_security" else "id || '9'")

    for name in ("job", "owner"):
        with pytest.raises(Error), role(name), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
