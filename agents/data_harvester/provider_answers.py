"""What a provider says when it is asked: recorded with the execution, and no part of a pack.

Each raises what the provider's client does: http.ProviderOff without a key, else ProviderFailed, ProviderBusy, RequestRefused or
BreakerOpen. A pattern says by `on_error` whether it goes on without.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from agents.bounds import RowLimit
from agents.registry import capability
from agents.result import RequestContext, Result
from config.counts import number_of
from config.errors import TieoutError
from pricing.providers import fmp, fred, http
from pricing.providers.rows import BalanceSheet, CashFlow, IncomeStatement, Observation, Quote, Ratios

QUOTE_TTL_S = 60
REPORTS_TTL_S = 86_400
FIRST_OBSERVATION = date(1776, 7, 4)
"""As FRED has it: the day before which no series begins."""

Period = Literal["annual", "quarter"]


class NoAnswer(TieoutError):
    """The provider answered, and said nothing that can be used of what it was asked for."""

    def __init__(self, provider: str, subject: str, unusable_count: int) -> None:
        content = f"{number_of(unusable_count, 'row')} that can't be used" if unusable_count else "nothing"
        super().__init__(f"{provider} says {content} of {subject}")
        self.provider, self.subject, self.unusable_count = provider, subject, unusable_count


@dataclass(frozen=True, slots=True)
class Statements:
    """The newest periods that ended by the as-of date, as the provider has them when it is asked: with later corrections.

    refused   rows that came and can't be used
    """

    symbol: str
    period: str
    income_statement: tuple[IncomeStatement, ...]
    balance_sheet: tuple[BalanceSheet, ...]
    cash_flow: tuple[CashFlow, ...]
    refused: int


@dataclass(frozen=True, slots=True)
class PeriodRatios:
    """As `Statements`."""

    symbol: str
    period: str
    ratios: tuple[Ratios, ...]
    refused: int


@dataclass(frozen=True, slots=True)
class SeriesObservations:
    """The newest observations of a series as they were known on the as-of date, in its order of days."""

    series_id: str
    title: str
    units: str
    frequency: str
    observations: tuple[Observation, ...]
    refused: int


def is_fmp_on() -> bool:
    return http.is_on(fmp.PROVIDER)


def is_fred_on() -> bool:
    return http.is_on(fred.PROVIDER)


@capability("provider.fetch_quote", agent="data_harvester", provider="fmp", is_on=is_fmp_on)
def fetch_quote(ctx: RequestContext, *, symbol: str) -> Result[Quote]:
    """What a security is quoted at now, whatever the as-of date: `at` is its instant. It is no close, and no pack holds it."""
    answer = fmp.fetch_quote(http.prompt_client_of(fmp.PROVIDER), symbol)
    if not answer.rows:
        raise NoAnswer(answer.source, symbol, len(answer.refused))
    return Result(answer.rows[0], sources=(), asof=answer.rows[0].at.date(), ttl=QUOTE_TTL_S)


@capability("provider.fetch_fundamentals", agent="data_harvester", provider="fmp", is_on=is_fmp_on)
def fetch_fundamentals(
    ctx: RequestContext, *, symbol: str, period: Period = "annual", limit: RowLimit = 5
) -> Result[Statements]:
    """Income, balance sheet and cash flow of the newest periods."""
    client = http.prompt_client_of(fmp.PROVIDER)
    income = fmp.fetch_income_statements(client, symbol, period=period, limit=limit)
    sheets = fmp.fetch_balance_sheets(client, symbol, period=period, limit=limit)
    flows = fmp.fetch_cash_flows(client, symbol, period=period, limit=limit)
    statements = Statements(
        symbol,
        period,
        tuple(row for row in income.rows if row.period_end <= ctx.asof_date),
        tuple(row for row in sheets.rows if row.period_end <= ctx.asof_date),
        tuple(row for row in flows.rows if row.period_end <= ctx.asof_date),
        sum(len(answer.refused) for answer in (income, sheets, flows)),
    )
    return Result(statements, sources=(), asof=ctx.asof_date, ttl=REPORTS_TTL_S)


@capability("provider.fetch_ratios", agent="data_harvester", provider="fmp", is_on=is_fmp_on)
def fetch_ratios(
    ctx: RequestContext, *, symbol: str, period: Period = "annual", limit: RowLimit = 5
) -> Result[PeriodRatios]:
    """Ratios of the newest periods, as fractions."""
    answer = fmp.fetch_ratios(http.prompt_client_of(fmp.PROVIDER), symbol, period=period, limit=limit)
    ratios = tuple(row for row in answer.rows if row.period_end <= ctx.asof_date)
    return Result(
        PeriodRatios(symbol, period, ratios, len(answer.refused)), sources=(), asof=ctx.asof_date, ttl=REPORTS_TTL_S
    )


@capability("provider.fetch_macro", agent="data_harvester", provider="fred", is_on=is_fred_on)
def fetch_macro(ctx: RequestContext, *, series_id: str, limit: RowLimit = 100) -> Result[SeriesObservations]:
    """The newest observations of a series of FRED's, as they were known on the as-of date."""
    client = http.prompt_client_of(fred.PROVIDER)
    terms = fred.fetch_series(client, series_id)
    if not terms.rows:
        raise NoAnswer(terms.source, series_id, len(terms.refused))
    day = ctx.asof_date
    answer = fred.fetch_observations(client, series_id, first=FIRST_OBSERVATION, last=day, known_from=day, known_to=day)
    newest = sorted(answer.rows, key=lambda row: row.observation_date)[-limit:]
    series = terms.rows[0]
    observations = SeriesObservations(
        series_id, series.title, series.unit, series.frequency, tuple(newest), len(answer.refused)
    )
    return Result(observations, sources=(), asof=ctx.asof_date, ttl=REPORTS_TTL_S)
