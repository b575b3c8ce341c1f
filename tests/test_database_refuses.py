"""Evidence stays as it is whoever asks and however: SQL, COPY, ORM, as app, job and owner."""

from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from itertools import product
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from compliance.models import RightsDecision
from execution.models import Execution, ExecutionExport, JobRun, NightlyRun, PatternVersion, SigningKey
from portfolio.models import (
    Break,
    DailyValue,
    LedgerRevision,
    Lot,
    Reconciliation,
    Transaction,
)
from pricing.models import (
    PackAction,
    PackContent,
    PackObservation,
    PackPrice,
    PackRate,
    PackStatus,
    PricingPack,
    PricingPolicy,
)
from tests import plugin

EVIDENCE = {
    "pricing_pricingpack": ("chain_hash", "repeat('0', 64)"),
    "pricing_packcontent": ("rows", "rows + 1"),
    "pricing_packprice": ("close", "close * 2"),
    "pricing_packrate": ("rate", "rate * 2"),
    "pricing_packobservation": ("value", "value + 1"),
    "pricing_packaction": ("flags", "'other'"),
    "portfolio_ledgerrevision": ("tree_hash", "repeat('0', 40)"),
    "portfolio_transaction": ("amount", "amount + 1"),
    "portfolio_lot": ("quantity", "quantity + 1"),
    "portfolio_dailyvalue": ("value", "value + 1"),
    "portfolio_economicphase": ("sources", "'{}'"),
    "portfolio_reconciliation": ("error_bp", "error_bp + 1"),
    "portfolio_break": ("detail", "'other'"),
    "execution_execution": ("result", "'{}'"),
    "execution_executionexport": ("decision", "'{}'"),
    "execution_signingkey": ("public_key", "'other'"),
    "execution_patternversion": ("document", "'{}'"),
    "compliance_rightsversion": ("digest", "repeat('0', 64)"),
    "compliance_rightsdecision": ("outcome", "'allow'"),
}
"""Table -> a column that is evidence, and another value for it."""
KEYS = {"execution_signingkey": "keyid"}
"""Of the tables whose key is no `id`."""
ROLES = ("app", "job", "owner")
REFUSED = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.IntegrityConstraintViolation,
    psycopg.errors.FeatureNotSupported,  # TRUNCATE of what another table refers to
)


@pytest.fixture
def full(asked_demo):
    """The demo with a row in each table, and its owner asking in every session of `attempt`."""
    with asked_demo.role("job"):
        row = Reconciliation.objects.first()
        Break.objects.create(portfolio=row.portfolio, reconciliation=row, kind="CASH_MISMATCH")
        ExecutionExport.objects.create(
            user=asked_demo.user("owner"),
            execution=Execution.objects.first(),
            format="csv",
            rights_version=1,
            decision={"use": "csv"},
            state="done",
            sha256="0" * 64,
            size=1,
            made_at=datetime(2026, 1, 1, tzinfo=UTC),
            expires_at=datetime(2026, 1, 8, tzinfo=UTC),
        )
        RightsDecision.objects.create(
            user_id=asked_demo.user("owner").pk,
            use="csv",
            outcome="deny",
            sources={},
            refusing=["somebody"],
            rights_version=1,
            day="2026-01-01",
        )
        SigningKey.objects.create(keyid="0" * 16, public_key="none", valid_from=datetime(2026, 1, 1, tzinfo=UTC))
    return asked_demo


def contents(demo):
    """A digest of every table, as the superuser of the tests' server sees it."""
    with psycopg.connect(plugin.address(demo.database, "postgres")) as session:
        return {
            table: session.execute(
                f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')), count(*) FROM {table} t"
            ).fetchone()
            for table in EVIDENCE
        }


def attempt(demo, role, *statements, copy=None):
    """Run as `role` with the owner asking; how many rows the last statement touched. Raises what the database says."""
    with demo.session(role).transaction() as transaction:
        session = transaction.connection
        session.execute("SELECT set_config('app.user_id', %s, true)", [str(demo.owner_id)])
        touched = 0
        for statement in statements:
            touched = session.execute(statement).rowcount
        if copy:
            with session.cursor().copy(copy[0]) as stream:
                stream.write(copy[1])
        return touched


@pytest.fixture
def attacked(full):
    with ExitStack() as ends:

        class Attacked:
            database = full.database
            owner_id = full.user("owner").pk

            @staticmethod
            @cache
            def session(role):
                return ends.enter_context(psycopg.connect(plugin.address(full.database, role)))

        yield Attacked


def test_no_role_changes_removes_or_empties_evidence(attacked):
    before = contents(attacked)
    assert all(count for _, count in before.values()), before
    passed = []

    for table, role in product(EVIDENCE, ROLES):
        column, value = EVIDENCE[table]
        for statement in (
            f"UPDATE {table} SET {column} = {value}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            try:
                touched = attempt(attacked, role, statement)
            except REFUSED:
                continue
            # Row-level security hides every row from the owner of the tables: nothing is found to be changed.
            if touched:
                passed.append((role, statement))

    assert passed == []
    assert contents(attacked) == before


def test_the_triggers_hold_also_where_row_level_security_does_not(attacked):
    """As superuser, whom no policy binds: what is left are the triggers, and they bind him too."""
    before = contents(attacked)
    refused = 0

    for table, (column, value) in EVIDENCE.items():
        for statement in (
            f"UPDATE {table} SET {column} = {value}",
            f"DELETE FROM {table}",
            f"TRUNCATE {table} CASCADE",
        ):
            with (
                pytest.raises(psycopg.errors.IntegrityConstraintViolation, match=r"evidence|sealed"),
                psycopg.connect(plugin.address(attacked.database, "postgres")) as session,
            ):
                session.execute(statement)
            refused += 1

    assert refused == 3 * len(EVIDENCE)
    assert contents(attacked) == before


def test_a_trailing_zero_is_a_change(attacked):
    with (
        pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="evidence"),
        psycopg.connect(plugin.address(attacked.database, "postgres")) as session,
    ):
        session.execute(
            "UPDATE pricing_packprice SET close = (close::text || '0')::numeric WHERE close::text LIKE '%.%'"
        )


def test_a_conflict_is_no_way_around(attacked):
    before = contents(attacked)

    for table, role in product(EVIDENCE, ROLES):
        column, value = EVIDENCE[table]
        statement = (
            f"INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM {table} LIMIT 1"
            f" ON CONFLICT ({KEYS.get(table, 'id')}) DO UPDATE SET {column} = {value.replace(column, f'{table}.{column}')}"
        )
        try:
            touched = attempt(attacked, role, statement)
        except REFUSED:
            continue
        assert not touched, (role, table)

    assert contents(attacked) == before


ROWS_OF_A_PACK = {
    "pricing_packprice": "content_id, security_id, close, currency, observed_date, price_basis, source, flags",
    "pricing_packrate": "content_id, base, quote, rate, observed_date, fix_at, source, flags",
    "pricing_packobservation": "content_id, series_id, observation_date, value, known_at, vintage, source, flags",
    "pricing_packaction": "content_id, security_id, ex_date, action, ratio, amount, currency, pay_date, announced, source, flags",
}


def one_more_row(table):
    """A row that no unique constraint knows, for the content of the newest pack."""
    with plugin.role("job"):
        content = PricingPack.objects.order_by("-sequence").first().content_id
        security = PackPrice.objects.values_list("security", flat=True).first()
        series = PackObservation.objects.values_list("series", flat=True).first()
    return {
        "pricing_packprice": f"{content}\t{security}\t1\tUSD\t2013-03-01\traw\twood\t\n",
        "pricing_packrate": f"{content}\tEUR\tXXX\t1\t2013-03-01\t2013-03-01 13:15+00\tcentral\t\n",
        "pricing_packobservation": f"{content}\t{series}\t1900-01-01\t1\t2013-03-01\t\tbureau\t\n",
        "pricing_packaction": f"{content}\t{security}\t2013-03-01\tsplit\t2\t\\N\t\t\\N\t\\N\twood\t\n",
    }[table]


def test_nothing_is_added_to_what_is_sealed(attacked):
    before = contents(attacked)

    for table, role in product(ROWS_OF_A_PACK, (*ROLES, "postgres")):
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityError)):
            attempt(attacked, role, copy=(f"COPY {table} ({ROWS_OF_A_PACK[table]}) FROM STDIN", one_more_row(table)))

    assert contents(attacked) == before


def test_what_is_sealed_says_so_to_whoever_adds_to_it(attacked):
    for table in ("pricing_packrate", "pricing_packobservation"):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="the pack is sealed"):
            attempt(attacked, "job", copy=(f"COPY {table} ({ROWS_OF_A_PACK[table]}) FROM STDIN", one_more_row(table)))


@pytest.mark.role("job")
def test_the_orm_changes_nothing_either(full):
    for model, column in (
        (PackPrice, "source"),
        (PackRate, "source"),
        (PackObservation, "source"),
        (PackAction, "source"),
        (PackContent, "content_hash"),
        (PricingPack, "chain_hash"),
        (DailyValue, "date"),
        (Reconciliation, "status"),
        (Transaction, "note"),
        (Lot, "currency"),
        (LedgerRevision, "commit"),
        (PatternVersion, "version"),
        (Execution, "result"),
    ):
        row = model.objects.first()
        other = {"date": "1999-01-01", "status": "fail", "content_hash": "0" * 64, "chain_hash": "0" * 64}
        setattr(row, column, other.get(column, "0" * 3))

        for change in (
            lambda row=row, column=column: type(row).objects.bulk_update([row], [column]),
            lambda row=row, column=column: row.save(update_fields=[column]),
            lambda row=row: row.delete(),
            lambda model=model: model.objects.all()._raw_delete("default"),
        ):
            with pytest.raises((DatabaseError, TypeError)), transaction.atomic():
                change()


# --- what may change, and only so


@pytest.mark.role("job")
def test_a_row_of_the_ledger_ends_once_and_with_an_open_revision(private_demo):
    revision = LedgerRevision.objects.get(portfolio__slug="public")
    row = Transaction.objects.filter(portfolio=revision.portfolio).first()
    lot = Lot.objects.filter(portfolio=revision.portfolio).first()

    def ends(model, pk, number):
        with transaction.atomic():
            model.objects.filter(pk=pk).update(removed_in=number)

    for model, pk in ((Transaction, row.pk), (Lot, lot.pk)):
        with pytest.raises(DatabaseError, match="closed"):
            ends(model, pk, 2)  # there is no second revision yet
    newer = LedgerRevision.objects.create(portfolio=revision.portfolio, number=2, commit="a" * 40, tree_hash="b" * 40)
    for model, pk in ((Transaction, row.pk), (Lot, lot.pk)):
        ends(model, pk, 2)
        for number in (None, 3):
            with pytest.raises(DatabaseError, match="evidence"):
                ends(model, pk, number)
    LedgerRevision.objects.filter(pk=newer.pk).update(status="reconciled")

    other = Transaction.objects.filter(portfolio=revision.portfolio, removed_in__isnull=True).first()
    with pytest.raises(DatabaseError, match="closed"):
        ends(Transaction, other.pk, 2)


@pytest.mark.role("job")
def test_no_row_is_added_to_a_reconciled_revision(private_demo):
    row = Transaction.objects.filter(portfolio__slug="public").first()
    lot = Lot.objects.filter(portfolio__slug="public").first()
    row.pk, row.entry_id, lot.pk = None, "new", None

    for added in (row, lot):
        with pytest.raises(DatabaseError, match="the ledger revision is closed"), transaction.atomic():
            added.save(force_insert=True)


@pytest.mark.role("job")
def test_a_reconciled_revision_stays_reconciled(private_demo):
    revision = LedgerRevision.objects.get(portfolio__slug="public")

    for status in ("read", "broken"):
        with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
            LedgerRevision.objects.filter(pk=revision.pk).update(status=status, reason="because")


def test_a_running_execution_takes_its_outcome_and_nothing_else(full):
    with full.role("job"):
        done = Execution.objects.get()
        running = Execution.objects.get()
        running.pk, running.status, running.key = UUID(int=9), "running", "0" * 64
        running.result = running.result_hash = ""
        running.save(force_insert=True)

        for changes in ({"user_id": full.user("other").pk}, {"key": "1" * 64}, {"pack_id": "other"}, {"request": {}}):
            with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
                Execution.objects.filter(pk=running.pk).update(**changes)
        finished = Execution.objects.filter(pk=running.pk).update(
            status="done",
            result=done.result,
            result_hash=done.result_hash,
            digest=done.digest,
            finished_at=done.finished_at,
        )
        with pytest.raises(DatabaseError, match="evidence"), transaction.atomic():
            Execution.objects.filter(pk=running.pk).update(status="running")

    assert finished == 1


# --- the states of a pack

SEALED = {"sequence": 1, "chain_hash": "a" * 64}
PREPARED = {
    "building": {"status": "building"},
    "warming": {"status": "warming"} | SEALED,
    "fresh": {"status": "fresh"} | SEALED,
    "error": {"status": "error", "reason": "because"},
    "sealed error": {"status": "error", "reason": "because"} | SEALED,
}
ALLOWED = {
    ("building", "warming"),
    ("building", "error"),
    ("warming", "fresh"),
    ("warming", "error"),
    ("sealed error", "warming"),
}
RUN = UUID(int=5)


def pack(**fields):
    """A header on the way that its state needs; sealed ones have content."""
    if "sequence" in fields:
        content, _ = PackContent.objects.get_or_create(content_hash="c" * 64, defaults={"rows": 0})
        fields |= {"content": content, "sealed_at": "2020-01-06T20:00:00Z"}
    return PricingPack.objects.create(
        pk="PP_2020-01-06_ECB_EUR_r1",
        policy=PricingPolicy.objects.get(),
        asof_date="2020-01-06",
        release=1,
        run=RUN,
        **fields,
    )


def jobs(done=4, run=RUN):
    night = NightlyRun.objects.create(
        pk=run, policy="ECB_EUR", from_date="2020-01-06", date="2020-01-06", release=run.int
    )
    for position, name in enumerate(("build_pack", "reconcile_ledger", "compute_metrics", "prewarm_factors")):
        JobRun.objects.create(
            run=night, name=name, position=position, state="done" if position < done else "failed", reason="x"
        )
    return night


@pytest.mark.role("job")
def test_a_pack_moves_by_the_table_and_not_otherwise(empty):
    jobs()
    moved = set()

    for before, after in product(PREPARED, PackStatus.values):
        if PREPARED[before]["status"] == after:
            continue
        try:
            with transaction.atomic():
                made = pack(**PREPARED[before])
                fields = {"status": after, "reason": "because" if after == "error" else ""}
                if before == "building" and after in ("warming", "fresh"):
                    content, _ = PackContent.objects.get_or_create(content_hash="c" * 64, defaults={"rows": 0})
                    fields |= SEALED | {"content": content, "sealed_at": "2020-01-06T20:00:00Z"}
                with transaction.atomic():
                    PricingPack.objects.filter(pk=made.pk).update(**fields)
                moved.add((before, after))
                transaction.set_rollback(True)  # the next begins without the pack
        except DatabaseError:
            continue

    assert moved == ALLOWED


@pytest.mark.role("job")
def test_every_prepared_state_can_be_there_at_all(empty):
    jobs()

    for state, fields in PREPARED.items():
        with transaction.atomic():
            assert pack(**fields).status == fields["status"], state
            transaction.set_rollback(True)


@pytest.mark.role("job")
def test_a_pack_is_fresh_behind_all_of_its_jobs_only(empty):
    night = jobs(0)
    jobs(4, run=UUID(int=6))  # another run's are none
    made = PricingPack.objects.filter(pk=pack(**PREPARED["warming"]).pk)

    for job in JobRun.objects.filter(run=night).order_by("-position"):
        with pytest.raises(DatabaseError, match="its jobs are not done"), transaction.atomic():
            made.update(status="fresh")
        JobRun.objects.filter(pk=job.pk).update(state="done")

    assert made.update(status="fresh") == 1


@pytest.mark.role("job")
def test_a_pack_can_not_be_born_fresh_without_its_jobs(empty):
    with pytest.raises(DatabaseError, match="its jobs are not done"), transaction.atomic():
        pack(**PREPARED["fresh"])


@pytest.mark.role("job")
def test_a_pack_that_contradicts_itself_is_refused(empty):
    for contradiction in (
        {"status": "warming"},
        {"status": "building"} | SEALED,
        {"status": "error"},
        {"status": "warming", "reason": "because"} | SEALED,
        {"status": "warming", "failed_job": "build_pack"} | SEALED,
        {"status": "building", "chain_hash": "a" * 64},
        {"status": "warming", "sequence": 1, "chain_hash": "not a hash"},
        {"status": "superseded"},
    ):
        with pytest.raises(DatabaseError, match=r"pack_|too long"), transaction.atomic():
            pack(**contradiction)


@pytest.mark.role("job")
def test_what_is_sealed_of_a_header_never_changes(empty):
    made = pack(**PREPARED["warming"])
    other = PackContent.objects.create(content_hash="d" * 64, rows=0)

    for changes in (
        {"sequence": 2},
        {"chain_hash": "b" * 64},
        {"content": other},
        {"asof_date": "2020-01-07"},
        {"release": 2},
        {"run": UUID(int=8)},
        {"restates": "another reason"},
        {"sealed_at": "2020-01-07T20:00:00Z"},
    ):
        with plugin.role("owner"), pytest.raises(DatabaseError, match="is sealed"), transaction.atomic():
            PricingPack.objects.filter(pk=made.pk).update(**changes)


@pytest.mark.role("job")
def test_two_packs_never_share_a_place(empty):
    pack(**PREPARED["warming"])

    for changes in ({"release": 1, "sequence": 2}, {"release": 2, "sequence": 1}):
        with pytest.raises(DatabaseError, match="once"), transaction.atomic():
            PricingPack.objects.create(
                pk="PP_other",
                policy=PricingPolicy.objects.get(),
                asof_date="2020-01-06",
                run=RUN,
                status="warming",
                chain_hash="b" * 64,
                content=PackContent.objects.get(),
                sealed_at="2020-01-06T20:00:00Z",
                **changes,
            )


# --- numbers


def test_no_number_is_none(attacked):
    """NaN sorts above every number, so that `> 0` alone would let it in (M7)."""
    numbers = {
        "positive_number": ("'NaN'", "'Infinity'", "'-Infinity'", "'0'", "'-1'"),
        "finite_number": ("'NaN'", "'Infinity'", "'-Infinity'"),
    }
    with psycopg.connect(plugin.address(attacked.database, "owner"), autocommit=True) as session:
        for domain, refused in numbers.items():
            for number in refused:
                with pytest.raises(psycopg.errors.CheckViolation):
                    session.execute(f"SELECT {number}::numeric::{domain}")
        columns = session.execute(
            "SELECT table_name, column_name, domain_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND (data_type = 'numeric' OR domain_name IS NOT NULL)"
            " AND table_name ~ '^(pricing|portfolio|execution)_'"
        ).fetchall()
    kinds = {(table, column): domain for table, column, domain in columns}

    assert set(kinds.values()) == {"finite_number", "positive_number"}
    for positive in (
        ("pricing_packprice", "close"),
        ("pricing_packrate", "rate"),
        ("pricing_packaction", "ratio"),
        ("pricing_packaction", "amount"),
        ("portfolio_lot", "quantity"),
        ("portfolio_transaction", "fx_to_base"),
        ("portfolio_transaction", "ratio"),
    ):
        assert kinds[positive] == "positive_number", positive


@pytest.mark.role("job")
def test_a_price_and_a_rate_are_positive_and_finite(empty):
    content = PackContent.objects.create(content_hash="c" * 64, rows=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO pricing_security (symbol, name, currency, price_unit, kind, exchange, price_basis, first_date, source)"
            " VALUES ('OAK', 'Oak', 'USD', 'USD', 'equity', 'XNYS', 'raw', '2020-01-02', 'wood') RETURNING id"
        )
        (security,) = cursor.fetchone()

    def insert(price, rate):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO pricing_packprice"
                " (content_id, security_id, close, currency, observed_date, price_basis, source, flags)"
                " VALUES (%s, %s, %s::numeric, 'USD', '2020-01-06', 'raw', 'wood', '')",
                [content.pk, security, price],
            )
            cursor.execute(
                "INSERT INTO pricing_packrate (content_id, base, quote, rate, observed_date, fix_at, source, flags)"
                " VALUES (%s, 'EUR', 'USD', %s::numeric, '2020-01-06', now(), 'central', '')",
                [content.pk, rate],
            )

    for number in ("NaN", "Infinity", "0", "-1"):
        for price, rate in ((number, "1"), ("1", number)):
            with pytest.raises(DatabaseError, match="positive_number"):
                insert(price, rate)
    insert("1", "1")


@pytest.mark.role("job")
def test_flows_are_gross(private_demo):
    value = DailyValue.objects.filter(portfolio__slug="public").first()
    other = LedgerRevision.objects.get(portfolio__slug="second")

    def again(row, **changes):
        row.pk, row.revision = None, other
        for name, new in changes.items():
            setattr(row, name, new)
        with transaction.atomic():
            row.save(force_insert=True)

    for changes in ({"inflow": -1}, {"outflow": -1}):
        with pytest.raises(DatabaseError, match="gross_flows"):
            again(DailyValue.objects.get(pk=value.pk), **changes)
