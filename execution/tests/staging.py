"""Sets a database of a test's own to states that the verbs would never leave behind, and patterns that do as they are told."""

from contextlib import contextmanager
from datetime import UTC, datetime

import psycopg

from agents import registry
from agents.registry import Registry
from agents.runtime import AgentRuntime
from compliance import versions
from compliance.models import DataSource
from execution.executor import computation
from execution.operations.intake.files import read_folder
from execution.patterns import publishing
from portfolio.books import writer
from portfolio.models import LedgerRevision, Portfolio, PortfolioAccess, RevisionStatus
from tests import plugin

HEAD = "2013-03-01"


def by_force(world, statement, parameters=None):
    """As superuser with the triggers off: what no role of ours may do."""
    with psycopg.connect(plugin.address(world.database, "postgres"), autocommit=True) as session:
        session.execute("SET session_replication_role = replica")
        return session.execute(statement, parameters).rowcount


def set_packs(world, status, *, job="", reason="", day=HEAD):
    """Put all packs of a day in a status."""
    by_force(
        world,
        "UPDATE pricing_pricingpack SET status = %s, failed_job = %s, reason = %s WHERE asof_date = %s",
        [status, job, reason, day],
    )


def decide_rights(world, code, outcome, use="display"):
    """Draft what a source says to a use, and publish it."""
    with world.role("job"):
        DataSource.objects.filter(code=code).update(**{use: outcome})
        return versions.propose(reason="staged", by=None)


def grant(world, username, portfolio_id):
    with world.role("job"):
        PortfolioAccess.objects.create(portfolio_id=portfolio_id, user=world.user(username), role="adviser")


def amend_ledger(world, text, *, status=RevisionStatus.RECONCILED):
    """Another revision of the public ledger with `text` at its end."""
    folder = plugin.PROJECT / "demo" / "ledger" / "public"
    files = read_folder(folder)
    files["main.beancount"] += text.encode()
    with world.role("job"):
        taken = writer.take_in(
            portfolio=Portfolio.objects.get(slug="public"),
            files=files,
            message="a test's",
            author="test",
            at=datetime(2013, 3, 2, tzinfo=UTC),
        )
        LedgerRevision.objects.filter(pk=taken.revision.pk).update(status=status, reason="a test says so")
    return taken.revision


@contextmanager
def offering(world, monkeypatch, *, registered=None, **functions):
    """The functions as capabilities `fake.<name>` of the agent `faker`, and a pattern `fake_<name>` for each.

    registered  what they are registered with beside their names
    """
    own = Registry()
    for name, function in functions.items():
        own.capability(f"fake.{name}", agent="faker", **(registered or {}))(function)
    with monkeypatch.context() as patch:
        patch.setattr(
            registry.default,
            "_capabilities",
            {**registry.default._capabilities, **{each.name: each for each in own.all()}},
        )
        runtime = AgentRuntime(registry.default)
        patch.setattr(computation, "runtime", lambda: runtime)
        with world.role("job"):
            for name in functions:
                publishing.publish(pattern(name))
        yield runtime


def pattern(name, **changes):
    return {
        "id": f"fake_{name}",
        "version": "1.0.0",
        "title": name,
        "description": "A test's own.",
        "inputs": {"portfolio_id": {"type": "uuid", "required": True, "description": "The portfolio."}},
        "steps": [
            {"capability": "ledger.positions", "args": {"portfolio_id": "{{inputs.portfolio_id}}"}, "as": "before"},
            {"capability": f"fake.{name}", "as": "made"},
            {"capability": "pricing.apply_pack", "args": {"positions": "{{state.before}}"}, "as": "after"},
        ],
        "outputs": ["before", "made", "after"],
        "panels": [],
        **changes,
    }
