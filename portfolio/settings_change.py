"""The settings of a portfolio, shown and changed after the fact.

What lots are derived by (booking method, fees, rate of deals) is an entry of the ledger: a change is a commit and a revision,
reconciled at once, and an undo is another change. What only figures are computed by (dividends, flows, benchmark) is a column.
Answers that were given before stay as they were.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from config.errors import TieoutError
from portfolio import books, portfolio_settings
from portfolio.books import reconciliation, writer
from portfolio.ledger.importing import writing
from portfolio.ledger.repository import LedgerRepository
from portfolio.models import Accrual, Benchmark, BookingMethod, FlowTiming, LedgerRevision, Portfolio, TradeFx
from portfolio.performance import benchmarks
from portfolio.portfolio_settings import BENCHMARK, DIRECTIVES, FIXED, SETTINGS
from pricing.fx import CURRENCIES
from pricing.models import PricingPolicy

MAIN: Final = "main.beancount"
FILE: Final = "settings.beancount"
HEADING: Final = "; Settings of the portfolio, as they were changed: see `manage.py portfolio_settings`.\n"
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "booking_method": tuple(BookingMethod.values),
    "flow_timing": tuple(FlowTiming.values),
    "accrual": tuple(Accrual.values),
    "trade_fx": tuple(TradeFx.values),
}
"""Settings with a list of values."""

_OPEN = re.compile(r'^([0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}[ \t]+open[ \t]+[^"\n;]+")([A-Z_]+)(")', re.MULTILINE)
_OPTION = re.compile(r'^([ \t]*option[ \t]+"booking_method"[ \t]+")([A-Z_]+)(")', re.MULTILINE)


class SettingsRefused(TieoutError):
    """Nothing was changed; `findings` say why: (setting, reason)."""

    def __init__(self, findings: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in findings))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class Shown:
    """Every setting as figures are computed by it now; of the newest reconciled revision what the ledger says."""

    values: Mapping[str, Any]
    """Setting -> its value; the benchmark by its name, None without one."""
    revision: LedgerRevision | None
    is_booked: bool
    """Whether the portfolio has a ledger, so that base currency and policy stay."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change did: `names` of what is another value now. A revision whose books differ is broken, and not used."""

    shown: Shown
    names: tuple[str, ...]
    revision: LedgerRevision | None
    breaks: tuple[str, ...] = ()


def show(*, portfolio: Portfolio) -> Shown:
    """The settings in effect: of the newest reconciled revision, or where there is none yet, of the newest."""
    newest = _newest(portfolio)
    revision = books.newest_reconciled(portfolio) or newest
    return Shown(_values(portfolio, revision), revision, is_booked=newest is not None)


def _newest(portfolio: Portfolio) -> LedgerRevision | None:
    return LedgerRevision.objects.filter(portfolio=portfolio).order_by("-number").first()


def _values(portfolio: Portfolio, revision: LedgerRevision | None) -> dict[str, Any]:
    values = portfolio_settings.as_dict(portfolio)
    if revision is not None:
        values |= {name: revision.settings[name] for name in DIRECTIVES if name in revision.settings}
    values[BENCHMARK] = portfolio.benchmark.name if portfolio.benchmark else None
    return {name: values[name] for name in SETTINGS}


def change(*, portfolio: Portfolio, wanted: Mapping[str, Any], author: str, at: datetime) -> Changed:
    """Set what is wanted; what is as wanted already stays as it is.

    wanted   setting -> value; the benchmark by its name, None for none
    raises   SettingsRefused with everything that is wrong, LedgerRefused; nothing was written then
    """
    with transaction.atomic():
        writer.lock(portfolio)
        newest = _newest(portfolio)
        findings = tuple(_find_faults(portfolio, wanted, is_booked=newest is not None))
        if findings:
            raise SettingsRefused(findings)
        before = _values(portfolio, newest) | portfolio_settings.in_ledger(portfolio)
        different = {name: value for name, value in wanted.items() if before[name] != value}
        _store(portfolio, {name: value for name, value in different.items() if name not in DIRECTIVES})
        booked = {name: value for name, value in different.items() if name in DIRECTIVES}
        entered = _enter(portfolio, booked, before, author=author, at=at) if booked else None
        return Changed(
            show(portfolio=portfolio),
            tuple(name for name in SETTINGS if name in different),
            entered.taken.revision if entered else None,
            tuple(map(str, entered.breaks)) if entered else (),
        )


def _find_faults(portfolio: Portfolio, wanted: Mapping[str, Any], *, is_booked: bool) -> list[tuple[str, str]]:
    findings = []
    for name, value in wanted.items():
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
    if value == portfolio_settings.as_dict(portfolio)[name]:
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
    chosen = Benchmark.objects.filter(name=value).first() if isinstance(value, str) else None
    if chosen is None:
        known = ", ".join(Benchmark.objects.values_list("name", flat=True)[:20])
        return f"is no benchmark; there are {known}" if known else "is no benchmark; staff have defined none yet"
    securities = [each.security for each in chosen.components.select_related("security")]
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
) -> reconciliation.Entered:
    """Settings that are entries of the ledger, as one commit; a portfolio without a ledger gets one."""
    files = _folder(portfolio)
    if MAIN not in files:
        main = writing.start_ledger(
            title=portfolio.name, base_currency=portfolio.base_currency, method=before["booking_method"]
        )
        files = {**files, MAIN: main.encode()}
    texts = {path: text.decode() for path, text in files.items() if path.endswith(".beancount")}
    if "booking_method" in values:
        methods = (
            writing.beancount_method(before["booking_method"]),
            writing.beancount_method(values["booking_method"]),
        )
        texts = {path: _with_method(text, *methods) for path, text in texts.items()}
    texts = _with_directives(texts, values, at)
    said = ", ".join(f"{name.replace('_', ' ')} {_written(value)}" for name, value in values.items())
    return reconciliation.take_in(
        portfolio=portfolio,
        files=files | {path: text.encode() for path, text in texts.items()},
        message=f"settings: {said}\n",
        author=author,
        at=at,
    )


def _folder(portfolio: Portfolio) -> dict[str, bytes]:
    with LedgerRepository.open_or_create(settings.LEDGER_PATH) as repository:
        head = repository.head()
        return repository.files(head, portfolio.slug) if head else {}


def _with_method(text: str, before: str, after: str) -> str:
    """Accounts that are opened with the portfolio's method go with it, so that Beancount takes the same lots; those with
    another have it of their own."""

    def replaced(found: re.Match[str]) -> str:
        return f"{found[1]}{after}{found[3]}" if found[2] == before else found[0]

    return _OPTION.sub(replaced, _OPEN.sub(replaced, text))


def _with_directives(texts: Mapping[str, str], values: Mapping[str, Any], at: datetime) -> dict[str, str]:
    """Each of them is said once in the whole ledger, in a file that main.beancount includes."""
    names = "|".join(re.escape(DIRECTIVES[name]) for name in values)
    said = re.compile(
        rf'^[0-9]{{4}}[-/][0-9]{{1,2}}[-/][0-9]{{1,2}}[ \t]+custom[ \t]+"tieout"[ \t]+"(?:{names})"[^\n]*\n?',
        re.MULTILINE,
    )
    without = {path: said.sub("", text) for path, text in texts.items()}
    lines = "".join(
        f'{at.date().isoformat()} custom "tieout" "{DIRECTIVES[name]}" {_written(value)}\n'
        for name, value in values.items()
    )
    if FILE not in without:
        without[MAIN] = without[MAIN].rstrip("\n") + f'\n\ninclude "{FILE}"\n'
    return without | {FILE: without.get(FILE, HEADING) + lines}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return f'"{value}"'
