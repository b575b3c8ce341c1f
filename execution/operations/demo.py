"""The demo: from an empty database to a portfolio's result.

What is done already is skipped, so that a second run is quick and an interrupted one is resumed.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser, Group
from django.db import transaction

from compliance import registry, staff_rights
from config import doctor, embedded
from config.errors import TieoutError
from execution import executor
from execution.night import nightly
from execution.operations import intake
from execution.patterns import publishing
from portfolio.models import Benchmark, BenchmarkComponent, LedgerRevision, Portfolio
from pricing import archive
from pricing.archive import loading
from pricing.models import PricingPolicy, RiskFreeRate, Security

DATA = Path(settings.BASE_DIR) / "demo"
FIRST, LAST = date(2002, 12, 2), date(2013, 3, 1)
POLICY = "ECB_EUR"
OWNER_OF = {"public": "public-owner", "second": "second-owner"}
"""Ledger folder, which is also the portfolio's slug -> who owns it."""
STAFF = "staff"
"""Who is in every group of the staff, and owns nothing."""
USERS = (*OWNER_OF.values(), STAFF)
NAMESPACE = uuid5(NAMESPACE_URL, "tieout:demo")
"""The demo's portfolios have the same ids, and its ledger the same commits, on every machine: so has its result."""
SLUG, PATTERN = "public", "portfolio_overview"
"""Portfolio and pattern whose result is printed."""
OTHER_PATTERNS = (
    "portfolio_macro_overview", "portfolio_cycle_risk", "portfolio_scenario_analysis", "portfolio_tax_report",
    "news_impact_analysis",
)  # fmt: skip
"""Patterns of which a line is printed."""
LOG_INS = Path(settings.VAR) / "demo-users.json"

BENCHMARK = "What the demo holds: AAPL, IBM, MSFT"
COMPONENTS = {"AAPL": Decimal("0.34"), "IBM": Decimal("0.33"), "MSFT": Decimal("0.33")}
"""Near to equal parts of what has a close on each day of the demo. GOOG has none before August 2004."""

Progress = Callable[[str, int, int], None]


class DemoFailed(TieoutError):
    """A step can't be done; `reason` says in one line what is broken and what to do."""

    def __init__(self, step: str, reason: str) -> None:
        super().__init__(f"{step}: {reason}")
        self.step, self.reason = step, reason


@dataclass(frozen=True, slots=True)
class LogIn:
    username: str
    password: str | None
    """None where somebody has set another password since."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo shows: the result of a portfolio, those of OTHER_PATTERNS, and how to log in."""

    served: executor.Served
    others: tuple[executor.Served, ...]
    portfolio: Portfolio
    log_ins: tuple[LogIn, ...]


def run(*, progress: Progress) -> Demo:
    """Make everything that is not there yet, then compute the overview and other patterns of the public portfolio for its owner.

    raises   DemoFailed where database, roles, migrations or Redis are not as they must be; else what a step's verb raises
    """
    require_services()
    migrate(progress)
    for document in publishing.read_library().values():
        publishing.seed(document)
    registry.load()
    load_market_data(progress)
    log_ins = make_users()
    import_ledgers(progress)
    nightly.run(policy=PricingPolicy.objects.get(pk=POLICY), from_date=FIRST, date=LAST, progress=progress)
    portfolio = Portfolio.objects.select_related("owner").get(slug=SLUG)
    served = ask(PATTERN, portfolio)
    others = []
    for position, pattern in enumerate(OTHER_PATTERNS, 1):
        others.append(ask(pattern, portfolio))
        progress("other patterns", position, len(OTHER_PATTERNS))
    return Demo(served, tuple(others), portfolio, log_ins)


def ask(pattern: str, portfolio: Portfolio) -> executor.Served:
    """The answer of a pattern on a portfolio at the demo's last day, to its owner."""
    request = executor.Request(pattern, {}, portfolio_id=portfolio.pk, asof_date=LAST)
    return executor.execute(request, user=portfolio.owner)


def require_services() -> None:
    for fault in (
        doctor.find_database_fault("app"),
        doctor.find_database_fault("job"),
        doctor.find_redis_fault(),
    ):
        if fault:
            raise DemoFailed(fault.piece, f"{fault.what}; {fault.mend}")


def migrate(progress: Progress) -> None:
    """Apply the migrations. They need the role `owner`, so that a child process does it."""
    if fault := doctor.find_history_fault():
        raise DemoFailed(fault.piece, f"{fault.what}; {fault.mend}")
    if doctor.find_migration_fault() is None:
        return
    progress("migrate", 0, 1)
    child = subprocess.run(
        [sys.executable, "manage.py", "migrate", "-v", "0"],
        cwd=settings.BASE_DIR,
        env=embedded.child_environment() | {"TIEOUT_ROLE": "owner"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if child.returncode:
        lines = child.stderr.strip().splitlines() or [f"ended with {child.returncode}"]
        raise DemoFailed("migrate", f"{lines[-1]}; if the database is of another release, begin anew with `make clean`")
    progress("migrate", 1, 1)


def load_market_data(progress: Progress) -> None:
    """Load demo/, and choose the Treasury bill as the risk-free rate of CAD unless somebody chose another."""
    newest = loading.newest_archive()
    if newest is None or (newest.path, newest.digest) != (str(DATA.resolve()), archive.digest(DATA)):
        progress("market data", 0, 1)
        intake.load_market_data(str(DATA))
        progress("market data", 1, 1)
    RiskFreeRate.objects.get_or_create(base_currency="CAD", defaults={"series_id": "UST3M", "series_currency": "USD"})


def import_ledgers(progress: Progress) -> None:
    """Import the ledgers that were never read; what was entered since an import is not overwritten."""
    imported = set(
        LedgerRevision.objects.filter(portfolio__slug__in=OWNER_OF).values_list("portfolio__slug", flat=True)
    )
    missing = [slug for slug in OWNER_OF if slug not in imported]
    for position, slug in enumerate(missing, 1):
        intake.import_ledger(
            DATA / "ledger" / slug,
            slug=slug,
            owner=OWNER_OF[slug],
            policy=POLICY,
            portfolio_id=uuid5(NAMESPACE, slug),
            at=datetime.combine(LAST, time(), UTC),
        )
        progress("ledgers", position, len(missing))
    Portfolio.objects.filter(slug__in=missing).update(benchmark=make_benchmark())


@transaction.atomic
def make_benchmark() -> Benchmark:
    """A composite of what the demo holds throughout: its data have no index. It is named as what it is, and made once."""
    benchmark, is_new = Benchmark.objects.get_or_create(name=BENCHMARK)
    if is_new:
        BenchmarkComponent.objects.bulk_create(
            BenchmarkComponent(benchmark=benchmark, security=Security.objects.get(symbol=symbol), weight=weight)
            for symbol, weight in COMPONENTS.items()
        )
    return benchmark


def make_users() -> tuple[LogIn, ...]:
    """The owners, who are plain users, and one of the staff. A password is made once and stored in a private file."""
    passwords: dict[str, str] = json.loads(LOG_INS.read_text()) if LOG_INS.exists() else {}
    existing = {user.username: user for user in get_user_model().objects.filter(username__in=USERS)}
    new = {name: secrets.token_urlsafe(12) for name in USERS if name not in passwords}
    if new:
        # Before the users: an interrupted run must not leave a user whose password nobody knows.
        _write_private(LOG_INS, json.dumps(passwords | new, indent=2))
    return tuple(_log_in(name, existing.get(name), (passwords | new)[name], is_new=name in new) for name in USERS)


@transaction.atomic
def _log_in(username: str, user: AbstractUser | None, password: str, *, is_new: bool) -> LogIn:
    if user is None:
        user = get_user_model().objects.create_user(username, password=password, is_staff=username == STAFF)
        if user.is_staff:
            user.groups.set(Group.objects.filter(name__in=staff_rights.read()))
    elif is_new:
        user.set_password(password)
        user.save(update_fields=["password"])
    elif not user.check_password(password):
        return LogIn(username, None)
    return LogIn(username, password)


def _write_private(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
