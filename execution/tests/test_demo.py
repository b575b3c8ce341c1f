"""`manage.py demo`: from nothing to a printed portfolio, and again; in services of its own, as on a fresh machine."""

import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from django.contrib.auth import get_user_model

from compliance import staff_rights
from config import embedded
from execution.operations import demo as verb
from portfolio.models import LedgerRevision, Portfolio
from tests import plugin
from tests.plugin import PROJECT

OWN = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "DATABASE_JOB_URL",
    "REDIS_URL",
    "LEDGER_PATH",
    "TIEOUT_ROLE",
    "TIEOUT_EMBEDDED",
)


def manage(*words, var, **environment):
    """A run of manage.py that finds no services but what it starts itself."""
    clean = {name: value for name, value in os.environ.items() if name not in OWN}
    return subprocess.run(
        [sys.executable, *words],
        cwd=PROJECT,
        env=clean | {"TIEOUT_VAR": str(var)} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
    )


@pytest.fixture
def var():
    folder = Path(os.environ["TIEOUT_TEST_VAR"]) / f"demo-{os.getpid()}"
    yield folder
    manage("-m", "config.embedded", "stop", var=folder)
    shutil.rmtree(folder, ignore_errors=True)


def told_by_readme():
    """The lines that README says the demo prints, but for those of one run and of one engine."""
    text = (PROJECT / "README.md").read_text()
    excerpt = text.split("<!-- excerpt -->\n```\n")[1].split("\n```\n")[0].splitlines()
    of_one_run = ("engine", "result hash", "execution", "computed now", "…")
    return {line for line in excerpt if not line.strip().startswith(of_one_run)}


def sealed(address):
    """Every pack that a database has, with its hashes and its place in the chain."""
    with psycopg.connect(address) as session:
        return session.execute(
            "SELECT pack.id, sequence, status, restates, content_hash, chain_hash FROM pricing_pricingpack pack"
            " LEFT JOIN pricing_packcontent content ON content.id = content_id ORDER BY sequence"
        ).fetchall()


def test_the_demo_from_nothing_has_the_same_packs_in_the_same_chain_and_a_second_time_serves_the_same_result(
    demo_database, var
):
    first = manage("manage.py", "demo", var=var)
    assert (first.returncode, first.stderr) == (0, "")
    with (var / "embedded.lock").open() as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # so that the second run leaves the servers to be looked into
        second = manage("manage.py", "demo", "--json", var=var)
        sockets = json.loads((var / "embedded.json").read_text())["sockets"]
        anew = sealed(f"host={sockets} port={embedded.PORT} dbname={embedded.DATABASE} user=job")

    assert sealed(plugin.address(demo_database, "job")) == anew
    assert len(anew) > 2600
    assert {status for _, _, status, _, _, _ in anew} == {"fresh"}
    for told in (
        "756,411.71 CAD",
        "+720.52 %",
        "+23.02 %",
        "PP_2013-03-01_ECB_EUR_r",
        "make serve",
        "European Central Bank",
    ):
        assert told in first.stdout
    assert told_by_readme() - {line.rstrip() for line in first.stdout.splitlines()} == set()
    again = json.loads(second.stdout)["metadata"]
    assert again["cached"]
    assert again["result_hash"] in first.stdout
    kept = var / "demo-users.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for username, password in json.loads(kept.read_text()).items():
        assert f"{username:<13} {password}" in first.stdout


@pytest.mark.slow
def test_a_database_that_does_not_answer_is_told_in_one_line(tmp_path):
    ran = manage(
        "manage.py",
        "demo",
        var=tmp_path,
        DATABASE_URL="postgresql://app@127.0.0.1:1/x",
        REDIS_URL="redis://127.0.0.1:1",
    )

    assert ran.returncode == 1
    assert ran.stdout == ""
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("CommandError: database: ")


@pytest.mark.role("job")
def test_what_an_owner_entered_since_is_not_overwritten(private_demo, tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "LOG_INS", tmp_path / "demo-users.json")
    portfolio = Portfolio.objects.get(slug="public")
    before = LedgerRevision.objects.count()

    outcome = verb.run(progress=lambda *what: None)

    assert outcome.portfolio == portfolio
    assert outcome.served.metadata["pricing_pack_id"].startswith("PP_2013-03-01_ECB_EUR_r")
    assert LedgerRevision.objects.count() == before


@pytest.mark.role("job")
def test_a_lost_password_is_made_anew_and_a_changed_one_is_not_told(private_demo, tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "LOG_INS", tmp_path / "demo-users.json")
    first, second, _ = verb.make_users()
    (tmp_path / "demo-users.json").write_text(json.dumps({second.username: second.password}))
    changed = private_demo.user(second.username)
    changed.set_password("another one, chosen by its owner")
    changed.save()

    anew, own, _ = verb.make_users()

    assert anew.password not in (None, first.password)
    assert private_demo.user(first.username).check_password(anew.password)
    assert own.password is None


@pytest.mark.role("job")
def test_the_owners_are_plain_users_and_the_staff_is_in_every_group_and_no_superuser(
    private_demo, tmp_path, monkeypatch
):
    monkeypatch.setattr(verb, "LOG_INS", tmp_path / "demo-users.json")
    get_user_model().objects.filter(username="staff").update(username="another")

    verb.make_users()

    for username in verb.OWNER_OF.values():
        user = private_demo.user(username)
        assert (user.is_staff, user.is_superuser, user.get_all_permissions()) == (False, False, set())
    staff = private_demo.user("staff")
    assert (staff.is_staff, staff.is_superuser) == (True, False)
    assert set(staff.groups.values_list("name", flat=True)) == staff_rights.read().keys()
    assert not any("_user" in name for name in staff.get_all_permissions())
