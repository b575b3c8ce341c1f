"""The settings of a portfolio, shown and changed after the fact.

What lots are derived by (booking method, fees, rate of deals) is an entry of the ledger: a change is a commit and a revision,
reconciled at once, and an undo is another change. What only figures are computed by (dividends, flows, benchmark) is a column.
Answers that were given before stay as they were.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from config.errors import TieoutError
from portfolio.books import booking_settings, catching_up, entry, ledger_folder, revisions, writer
from portfolio.books.booking_settings import DIRECTIVES
from portfolio.books.entry import Entered
from portfolio.books.ledger_folder import MAIN
from portfolio.ledger.importing import writing
from portfolio.models import Accrual, Benchmark, BookingMethod, FlowTiming, LedgerRevision, Portfolio, TradeFx
from portfolio.performance import benchmarks
from portfolio.portfolio_settings import directives
from portfolio.portfolio_settings.columns import BENCHMARK, FIXED, SETTINGS, as_dict
from pricing.fx import CURRENCIES
from pricing.models import PricingPolicy

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking_method": tuple(BookingMethod.values),
    "flow_timing": tuple(FlowTiming.values),
    "accrual": tuple(Accrual.values),
    "trade_fx": tuple(TradeFx.values),
}
"""Settings with a list of values."""


class SettingsRefused(TieoutError):
    """Nothing was changed; `findings` say why: (setting, reason)."""

    def __init__(self, findings: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class CurrentSettings:
    """Every setting as figures are computed by it now; of the newest reconciled revision what the ledger says."""

    values: Mapping[str, Any]
    """Setting -> its value; the benchmark by its name, None without one."""
    revision: LedgerRevision | None
    is_booked: bool
    """Whether the portfolio has a ledger; base currency and policy stay then."""


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """The result of a change: `names` of the settings with another value. A revision whose books differ is broken, and not used."""

    current: CurrentSettings
    names: tuple[str, ...]
    revision: LedgerRevision | None
    breaks: tuple[str, ...] = ()


def show(*, portfolio: Portfolio) -> CurrentSettings:
    """The settings in effect: of the newest reconciled revision, or where there is none yet, of the newest."""
    newest = revisions.newest(portfolio)
    revision = revisions.newest_reconciled(portfolio) or newest
    return CurrentSettings(_values(portfolio, revision), revision, is_booked=newest is not None)


def _values(portfolio: Portfolio, revision: LedgerRevision | None) -> dict[str, Any]:
    values = as_dict(portfolio)
    if revision is not None:
        values |= {name: revision.settings[name] for name in DIRECTIVES if name in revision.settings}
    values[BENCHMARK] = portfolio.benchmark.name if portfolio.benchmark else None
    return {name: values[name] for name in SETTINGS}


def change(*, portfolio: Portfolio, values: Mapping[str, Any], author: str, at: datetime) -> SettingsChange:
    """Give settings other values; those that have them already stay as they are.

    values   setting -> value; the benchmark by its name, None for none
    raises   SettingsRefused with everything that is wrong, LedgerRefused; nothing was written then
    """
    with transaction.atomic():
        writer.lock(portfolio)
        catching_up.catch_up(portfolio)
        newest = revisions.newest(portfolio)
        findings = tuple(_find_faults(portfolio, values, is_booked=newest is not None))
        if findings:
            raise SettingsRefused(findings)
        before = _values(portfolio, newest) | booking_settings.newest(portfolio).as_dict()
        different = {name: value for name, value in values.items() if before[name] != value}
        _store(portfolio, {name: value for name, value in different.items() if name not in DIRECTIVES})
        booked = {name: value for name, value in different.items() if name in DIRECTIVES}
        entered = _enter(portfolio, booked, before, author=author, at=at) if booked else None
        return SettingsChange(
            show(portfolio=portfolio),
            tuple(name for name in SETTINGS if name in different),
            entered.stored.revision if entered else None,
            tuple(map(str, entered.breaks)) if entered else (),
        )


def _find_faults(portfolio: Portfolio, values: Mapping[str, Any], *, is_booked: bool) -> list[tuple[str, str]]:
    findings = []
    for name, value in values.items():
        reason = _fault(portfolio, name, value, is_booked=is_booked)
        if reason:
            findings.append((name, reason))
    return findings


def _fault(portfolio: Portfolio, name: str, value: Any, *, is_booked: bool) -> str:
    """Why a setting can't have a value; empty if it can."""
    if name not in SETTINGS:
        return "is no setting"
    if name in CHOICES:
        return "" if value in CHOICES[name] else f"is one of {', '.join(CHOICES[name])}"
    if name == "fees_in_cost":
        return "" if isinstance(value, bool) else "is true or false"
    if name == BENCHMARK:
        return _benchmark_fault(portfolio, value)
    return _fixed_fault(portfolio, name, value, is_booked=is_booked)


def _fixed_fault(portfolio: Portfolio, name: str, value: Any, *, is_booked: bool) -> str:
    assert name in FIXED
    if value == as_dict(portfolio)[name]:
        return ""
    if is_booked:
        return "can't change any more: the portfolio's ledger is kept in it; open another portfolio"
    if name == "base_currency":
        return "" if isinstance(value, str) and value in CURRENCIES else "is no currency"
    is_known = isinstance(value, str) and PricingPolicy.objects.filter(pk=value).exists()
    return "" if is_known else "is no pricing policy"


def _benchmark_fault(portfolio: Portfolio, value: Any) -> str:
    if value is None:
        return ""
    can_be_name = isinstance(value, str) and "\0" not in value  # which PostgreSQL refuses in a text
    benchmark = Benchmark.objects.filter(name=value).first() if can_be_name else None
    if benchmark is None:
        names = ", ".join(Benchmark.objects.values_list("name", flat=True)[:20])
        return f"is no benchmark; there are {names}" if names else "is no benchmark; staff have defined none yet"
    securities = [each.security for each in benchmark.components.select_related("security")]
    unpriced = benchmarks.find_unpriced(policy=portfolio.policy, securities=securities)
    return "; ".join(map(str, unpriced))


def _store(portfolio: Portfolio, values: Mapping[str, Any]) -> None:
    """Settings that are columns."""
    if not values:
        return
    for name, value in values.items():
        if name == BENCHMARK:
            portfolio.benchmark = Benchmark.objects.get(name=value) if value is not None else None
        else:
            setattr(portfolio, Portfolio._meta.get_field(name).attname, value)  # type: ignore[union-attr]
    portfolio.save(update_fields=list(values))


def _enter(
    portfolio: Portfolio, values: Mapping[str, Any], before: Mapping[str, Any], *, author: str, at: datetime
) -> Entered:
    """Settings that are entries of the ledger, as one commit; a portfolio without a ledger gets one."""
    files = ledger_folder.read(portfolio)
    if MAIN not in files:
        files = {**files, MAIN: ledger_folder.new_main(portfolio)}
    texts = ledger_folder.texts(files)
    if "booking_method" in values:
        methods = (
            writing.beancount_method(before["booking_method"]),
            writing.beancount_method(values["booking_method"]),
        )
        texts = {path: directives.with_method(text, *methods) for path, text in texts.items()}
    texts = directives.with_directives(texts, values, at)
    summary = ", ".join(f"{name.replace('_', ' ')} {directives.as_text(value)}" for name, value in values.items())
    return entry.enter(
        portfolio=portfolio,
        files=files | {path: text.encode() for path, text in texts.items()},
        message=f"settings: {summary}\n",
        author=author,
        at=at,
    )
