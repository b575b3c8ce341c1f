"""Nobody sees what is another's: by page, API, admin, nor where a query forgets to ask."""

import ast
import random
import re
import subprocess
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import ProgrammingError, connection, connections, transaction
from django.test import Client
from django.urls import reverse

from config import env, scope
from config.embedded import postgres
from execution.models import BlockedPortfolio, DroppedExecution, Execution, IdempotencyKey
from execution.operations import retention
from portfolio import models as owned
from portfolio.models import DailyValue, Portfolio, PortfolioAccess, Transaction
from tests import plugin
from tests.sources import nodes, python_files

SCOPED = [
    model
    for model in apps.get_models()
    if model in (Portfolio, IdempotencyKey)
    or any(field.get_attname() == "portfolio_id" for field in model._meta.concrete_fields)
]
TABLES = sorted(model._meta.db_table for model in SCOPED)


def grant(demo, username, slug="public"):
    with demo.role("job"):
        return PortfolioAccess.objects.create(portfolio=Portfolio.objects.get(slug=slug), user=demo.user(username))


def revoke(demo):
    with demo.role("job"):
        PortfolioAccess.objects.all().delete()


def keys():
    return {model: set(model.objects.values_list("pk", flat=True)) for model in SCOPED}


def keys_of(demo, username):
    with scope.acting_as(demo.user(username)), transaction.atomic():
        return keys()


@pytest.fixture(scope="module")
def asked_once(demo_database, django_db_blocker):
    """The template of `asked`."""
    with plugin.template(plugin.SHARED[plugin.DEMO]) as name:
        with plugin.at_work(plugin.Demo(name), django_db_blocker) as demo:
            for username, portfolio in (("owner", demo.public_id), ("other", demo.second_id)):
                response = demo.post(
                    username,
                    {"pattern_id": "portfolio_overview", "portfolio_id": str(portfolio)},
                    **{"Idempotency-Key": f"key of {username}"},
                )
                assert response.status_code == 200, response.content[:500]
            with demo.role("job"):
                for row in owned.Reconciliation.objects.distinct("portfolio_id").order_by("portfolio_id"):
                    owned.Break.objects.create(portfolio=row.portfolio, reconciliation=row, kind="CASH_MISMATCH")
                    BlockedPortfolio.objects.create(
                        portfolio=row.portfolio,
                        pack=row.pack,
                        job="reconcile_ledger",
                        kind="missing-rate",
                        reason="none",
                    )
                    PortfolioAccess.objects.create(portfolio=row.portfolio, user=row.portfolio.owner)
                    asked = Execution.objects.get(portfolio_id=row.portfolio_id)
                    left = {name: getattr(asked, name) for name in retention.TOLD}
                    DroppedExecution.objects.create(**left | {"id": uuid4()}, reason="age")
        yield name


@pytest.fixture
def asked(asked_once, django_db_blocker):
    """A demo in which each owner has asked once, so that executions and idempotency keys of both are there."""
    yield from plugin.copy_of(asked_once, plugin.Demo, django_db_blocker)


# --- pages and API


def test_a_foreign_portfolio_is_not_found_by_page(demo):
    pages = {
        name: demo.client(name).get("/portfolios/public/portfolio_overview/") for name in ("owner", "other", "staff")
    }

    assert {name: page.status_code for name, page in pages.items()} == {"owner": 200, "other": 404, "staff": 404}
    assert "756,411.71" not in pages["other"].content.decode() + pages["staff"].content.decode()


def test_a_foreign_portfolio_and_one_that_never_was_are_told_alike(demo):
    unknown = "00000000-0000-4000-8000-000000000000"

    def told(portfolio):
        answer = demo.ask("other", portfolio_id=str(portfolio))
        body = answer.json()
        return answer.status_code, {name: body[name] for name in body if name not in ("request_id", "instance")}

    foreign, missing = told(demo.public_id), told(unknown)

    assert foreign[0] == 404
    assert foreign == missing


def test_an_execution_of_a_foreign_portfolio_is_not_found(demo):
    execution = demo.ask("owner").json()["execution_id"]

    def status(username):
        return (
            Client()
            .get(f"/v1/executions/{execution}", headers={"Authorization": f"Bearer {demo.token(username)}"})
            .status_code
        )

    assert [status(name) for name in ("owner", "other", "staff")] == [200, 404, 404]


def test_the_same_question_of_two_callers_is_stored_for_each(private_demo):
    grant(private_demo, "other")
    first = private_demo.ask("owner").json()["execution_id"]

    second = private_demo.ask("other").json()

    assert second["execution_id"] != first
    assert second["metadata"]["cached"] is False


# --- a query that forgets its filter


def test_an_unfiltered_query_holds_only_what_is_the_askers(asked):
    with asked.role("job"):
        every = keys()

    seen = {username: keys_of(asked, username) for username in ("owner", "other", "staff")}

    for model in SCOPED:
        owner, other = seen["owner"][model], seen["other"][model]
        assert owner, model
        assert other, model
        assert not owner & other, model
        assert owner | other == every[model], model
        assert seen["staff"][model] == set(), model


def test_nobody_sees_nothing_and_it_is_no_error(demo):
    with scope.acting_as(demo.user("owner")), transaction.atomic():
        assert Portfolio.objects.exists()

    outside = [model.objects.count() for model in SCOPED]
    with transaction.atomic():
        inside = [model.objects.count() for model in SCOPED]

    assert outside == inside == [0] * len(SCOPED)


def test_five_hundred_turns_on_reused_connections_show_each_asker_his_own(demo):
    users = {name: demo.user(name) for name in ("owner", "other", "staff")} | {"nobody": None}
    expected = {"owner": ["public"], "other": ["second"], "staff": [], "nobody": []}
    chance = random.Random(4)
    first = connections["default"]
    sessions = [first, *(first.copy() for _ in range(3))]
    backends = set()
    try:
        for turn in range(500):
            name = chance.choice(sorted(users))
            connections["default"] = chance.choice(sessions)
            with scope.acting_as(users[name]), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT array(SELECT slug FROM portfolio_portfolio ORDER BY slug), pg_backend_pid()")
                ((slugs, backend),) = cursor.fetchall()
            backends.add(backend)
            assert slugs == expected[name], (turn, name)
    finally:
        connections["default"] = first
        for session in sessions[1:]:
            session.close()

    assert len(backends) == 4


def test_the_setting_is_gone_with_its_transaction_and_reads_as_nobody(demo):
    with scope.acting_as(demo.user("owner")), transaction.atomic():
        assert Portfolio.objects.count() == 1

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.user_id', true), (SELECT count(*) FROM portfolio_portfolio)")
        assert cursor.fetchone() == ("", 0)


def test_jobs_see_all(demo):
    with demo.role("job"):
        assert list(Portfolio.objects.order_by("slug").values_list("slug", flat=True)) == ["public", "second"]
        assert Transaction.objects.values("portfolio").distinct().count() == 2


def test_the_owner_of_the_tables_sees_none_of_their_rows(demo):
    with demo.role("owner"):
        assert [model.objects.count() for model in SCOPED] == [0] * len(SCOPED)


# --- grants


def test_a_grant_shows_the_portfolio_and_all_of_it_at_once_and_ends_at_once(private_demo):
    client, staff = private_demo.client("staff"), private_demo.user("staff")

    def shown():
        with scope.acting_as(staff), transaction.atomic():
            values = DailyValue.objects.values("portfolio").distinct().count()
        page = client.get("/portfolios/public/portfolio_overview/").status_code
        listed = client.get(reverse("admin:portfolio_portfolio_changelist")).content.decode()
        return page, values, "public" in listed, "second" in listed

    before = shown()
    grant(private_demo, "staff")
    during = shown()
    revoke(private_demo)
    after = shown()

    assert before == after == (404, 0, False, False)
    assert during == (200, 1, True, False)


def test_who_may_read_may_not_write(private_demo):
    grant(private_demo, "other")

    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        scope.acting_as(private_demo.user("other")),
        transaction.atomic(),
    ):
        Portfolio.objects.filter(slug="public").update(name="mine now")


def test_nobody_grants_himself_a_portfolio(private_demo):
    other = private_demo.user("other")

    with pytest.raises(ProgrammingError), scope.acting_as(other), transaction.atomic():
        PortfolioAccess.objects.create(portfolio_id=private_demo.public_id, user=other)

    with private_demo.role("job"):
        assert not PortfolioAccess.objects.exists()


def test_the_name_is_the_owners_to_change_and_nothing_else_is(private_demo):
    with scope.acting_as(private_demo.user("owner")):
        with transaction.atomic():
            changed = Portfolio.objects.filter(slug="public").update(name="Renamed")
            foreign = Portfolio.objects.filter(slug="second").update(name="Renamed")
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            Portfolio.objects.filter(slug="public").update(owner=private_demo.user("other"))

    assert (changed, foreign) == (1, 0)


# --- writing into another's


def copy_row(table, foreign):
    """INSERT of a row of `table` like one that is there, but for the portfolio."""
    changes = {"portfolio_id": "%s"}
    if table == "execution_execution":
        changes |= {"id": "gen_random_uuid()", "key": "repeat('0', 64)"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_identity = 'NO'",
            [table],
        )
        columns = [name for (name,) in cursor.fetchall()]
        chosen = ", ".join(changes.get(name, name) for name in columns)
        cursor.execute(f"INSERT INTO {table} ({', '.join(columns)}) SELECT {chosen} FROM {table} LIMIT 1", [foreign])


def test_a_row_of_a_foreign_portfolio_is_refused_also_where_writing_is_granted(asked):
    """The app role may write few of these tables; were it granted more, the policies would still hold (M5)."""
    children = set(TABLES) - {"portfolio_portfolio", "execution_idempotencykey"}
    with asked.role("owner"), connection.cursor() as cursor:
        cursor.execute(f"GRANT INSERT ON {', '.join(children)} TO app")
        cursor.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app")

    for table in sorted(children):
        for foreign in (asked.second_id, "00000000-0000-4000-8000-000000000000"):
            with (
                pytest.raises(ProgrammingError, match=f'row-level security policy for table "{table}"'),
                scope.acting_as(asked.user("owner")),
                transaction.atomic(),
            ):
                copy_row(table, foreign)


def test_an_execution_can_not_be_written_in_anothers_name(asked):
    other = asked.user("other").pk

    with (
        pytest.raises(ProgrammingError, match="row-level security"),
        scope.acting_as(asked.user("owner")),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO execution_idempotencykey (user_id, key, body_hash, created_at) VALUES (%s, 'k', 'h', now())",
            [other],
        )


# --- the admin


def address(model, page, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def test_the_admin_shows_staff_what_they_were_granted_and_names_nothing_foreign(asked):
    grant(asked, "staff", "second")
    client = asked.client("staff")
    granted, foreign = keys_of(asked, "staff"), str(asked.public_id)

    for model in SCOPED:
        listed = client.get(address(model, "changelist"))
        page = listed.content.decode()  # with what it offers to filter by

        assert listed.status_code == 200, model
        assert listed.context["cl"].result_count == len(granted[model]), model
        assert bool(granted[model]) is (model is not IdempotencyKey), model
        assert foreign not in page, model
        assert ">public<" not in page, model
        if granted[model]:
            assert client.get(address(model, "change", min(granted[model]))).status_code == 200, model


def test_what_staff_were_not_granted_does_not_exist_in_the_admin(asked):
    """Django's admin sends whoever asks for an unknown object to its index, and says so there."""
    grant(asked, "staff", "second")
    client = asked.client("staff")
    foreign = keys_of(asked, "owner")

    for model in SCOPED:
        for page in ("change", "history"):
            answered = client.get(address(model, page, min(foreign[model])))
            assert (answered.status_code, answered.url) == (302, reverse("admin:index")), (model, page)
    index = client.get(reverse("admin:index"))

    assert index.status_code == 200
    assert index.content.decode().count("doesn’t exist") == 2 * len(SCOPED)


# --- the catalogue


def catalogue(demo, query, *parameters):
    with demo.role("owner"), connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def test_every_table_with_a_portfolio_is_known_to_this_test(demo):
    found = catalogue(
        demo,
        "SELECT DISTINCT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'portfolio_id'",
    )

    assert {table for (table,) in found} | {"portfolio_portfolio", "execution_idempotencykey"} == set(TABLES)
    assert len(TABLES) >= 11


INSIDE_A_FUNCTION = {
    "execution_execution": [(["owner"], "SELECT", True, False, "PERMISSIVE")],
    "portfolio_portfolio": [(["owner"], "SELECT", True, False, "PERMISSIVE")],
    "portfolio_portfolioaccess": [(["owner"], "ALL", True, True, "PERMISSIVE")],
}
"""Table -> what its owner sees inside a function of its own, and nowhere else."""


@pytest.mark.parametrize("table", TABLES)
def test_row_level_security_is_forced_with_a_policy_for_each_role(table, demo):
    ((enabled, forced),) = catalogue(
        demo, "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s::regclass", table
    )
    policies = catalogue(
        demo,
        "SELECT roles::text[], cmd, qual IS NOT NULL, with_check IS NOT NULL, permissive FROM pg_policies"
        " WHERE schemaname = 'public' AND tablename = %s ORDER BY roles::text",
        table,
    )

    assert (enabled, forced) == (True, True)
    assert policies == [
        (["app"], "ALL", True, True, "PERMISSIVE"),
        (["job"], "ALL", True, True, "PERMISSIVE"),
        *INSIDE_A_FUNCTION.get(table, ()),
    ]


def test_no_policy_of_the_app_is_without_a_condition(demo):
    found = catalogue(
        demo, "SELECT tablename FROM pg_policies WHERE 'app' = ANY(roles) AND (qual = 'true' OR with_check = 'true')"
    )

    assert found == []


def test_no_role_is_superuser_or_bypasses_and_none_but_the_owner_owns(demo):
    flags = catalogue(
        demo,
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication FROM pg_roles"
        " WHERE rolname IN ('app', 'job', 'owner') ORDER BY 1",
    )
    owners = catalogue(
        demo,
        "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace",
    )
    members = catalogue(
        demo,
        "SELECT r.rolname, m.rolname FROM pg_auth_members JOIN pg_roles r ON r.oid = roleid JOIN pg_roles m ON m.oid = member"
        " WHERE m.rolname IN ('app', 'job', 'owner')",
    )

    assert flags == [(name, False, False, False, False) for name in ("app", "job", "owner")]
    assert owners == [("owner",)]
    assert members == []


def test_no_view_sees_past_the_policies_and_no_function_runs_as_another_but_those_that_are_named(demo):
    views = catalogue(
        demo,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm'"
        " OR (relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY(reloptions), false)))",
    )
    definers = catalogue(
        demo,
        """
        SELECT proname, 'search_path=pg_catalog, public, pg_temp' = ANY(proconfig), has_function_privilege('public', oid, 'EXECUTE')
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef ORDER BY 1
        """,
    )

    assert views == []
    assert definers == [
        (name, True, False)
        for name in ("audit_change", "audit_event", "count_audit_refusal", "open_to_staff", "pattern_use")
    ]


def test_the_app_may_not_undo_the_protection(demo):
    for statement in (
        "ALTER TABLE portfolio_portfolio NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE portfolio_lot DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "SET ROLE owner",
        "CREATE TABLE public.mine (id int)",
        "TRUNCATE portfolio_dailyvalue",
    ):
        for role in ("app", "job"):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege),
                psycopg.connect(plugin.address(demo.database, role)) as session,
            ):
                session.execute(statement)


# --- the source


def test_nothing_sets_who_asks_beyond_a_transaction():
    """A setting of the session is the next request's on that connection (M4)."""
    here, offending, calls = Path(__file__), [], 0
    for file in python_files():
        if file == here:
            continue
        if not re.search(r"set_config|app\.", file.read_text(), re.IGNORECASE):
            continue  # to parse every file takes two seconds
        for node in nodes(file):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = re.sub(r"\s+", " ", node.value)
                for call in re.findall(r"set_config\([^)]*\)", text, re.IGNORECASE):
                    calls += 1
                    if not re.search(r",\s*(true|…)\s*\)$|\.\.\.|, true\)$", call):
                        offending.append((file.name, call))
                if re.search(r"\bSET\s+(SESSION\s+)?app\.", text, re.IGNORECASE):
                    offending.append((file.name, text))

    assert calls
    assert offending == []


def test_only_the_scope_says_who_asks():
    speaking = {
        file.relative_to(env.PROJECT).as_posix()
        for file in python_files()
        if "tests" not in file.relative_to(env.PROJECT).parts and "app.user_id" in file.read_text()
    }

    assert speaking == {"config/scope.py", "config/guards.py"}


# --- there and back


def dump(database):
    made = subprocess.run(
        [
            postgres.programs() / "pg_dump",
            "--schema-only",
            "--no-comments",
            plugin.address(database, "owner"),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    return [line for line in made.stdout.splitlines() if not line.startswith(("\\restrict", "\\unrestrict"))]


def data(database):
    with psycopg.connect(plugin.address(database, "job")) as session:
        return [
            session.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("pricing_pricingpolicy", "compliance_datasource")
        ] + [
            session.execute(
                "SELECT factor, rank, series_id, degraded FROM pricing_factorseries ORDER BY 1, 2"
            ).fetchall()
        ]


@pytest.mark.role("owner")
def test_migrations_go_back_and_forth_and_leave_the_same_database(empty):
    before, rows = dump(empty.database), data(empty.database)

    call_command("migrate", "config", "zero", verbosity=0)  # and so all others, which stand on it
    nothing = dump(empty.database)
    call_command("migrate", verbosity=0)

    assert [line for line in nothing if re.search(r"\b(execution|portfolio|pricing|compliance)_", line)] == []
    assert not [line for line in nothing if "CREATE DOMAIN" in line or "CREATE FUNCTION" in line]
    assert dump(empty.database) == before
    assert data(empty.database) == rows


@pytest.mark.role("owner")
def test_no_model_is_ahead_of_its_migration(empty):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
