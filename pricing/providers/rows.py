"""Rows of market data, in one shape whoever sent them. Money and ratios are exact decimals as published."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Close:
    """A price as traded, in the unit that the security is quoted in. `observed_date` is the date at the exchange."""

    symbol: str
    observed_date: date
    close: Decimal
    source: str
    price_basis: str = "raw"


@dataclass(frozen=True, slots=True)
class TradedDay:
    """A close as traded, and what went ex that day: `dividend` per share or None, `split_ratio` new shares per old, mostly 1."""

    symbol: str
    observed_date: date
    close: Decimal
    dividend: Decimal | None
    split_ratio: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Split:
    """A split; `ratio` is new shares per old: 4 for four to one."""

    symbol: str
    ex_date: date
    ratio: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Dividend:
    """A cash dividend; `amount` is per share, not adjusted for later splits. `currency` None: the source does not say."""

    symbol: str
    ex_date: date
    record_date: date | None
    pay_date: date | None
    announced: date | None
    amount: Decimal
    currency: str | None
    source: str


@dataclass(frozen=True, slots=True)
class Fixing:
    """A reference rate as published: one of `base` is `rate` of `quote`."""

    base: str
    quote: str
    observed_date: date
    rate: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class ParYield:
    """A point of a day's par yield curve; `percent` is in percent points: 4.25 is four and a quarter percent."""

    series: str
    observation_date: date
    percent: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class SeriesTerms:
    """What a series is; `frequency` is D, W, M, Q or A."""

    id: str
    title: str
    unit: str
    frequency: str
    updated_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Copyright:
    """Whose a series is, in its host's words: "public domain: citation requested" and the like."""

    series: str
    tag: str
    source: str


@dataclass(frozen=True, slots=True)
class Observation:
    """A value of a series; None was published as missing. Valid as known from `realtime_start` to `realtime_end` (its vintage)."""

    series: str
    observation_date: date
    value: Decimal | None
    realtime_start: date
    realtime_end: date
    source: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure of one filing. `start` None: at the end of a day; `rank` 0 is the preferred of its concept's names."""

    concept: str
    rank: int
    start: date | None
    end: date
    value: Decimal
    filed: date
    accession: str
    source: str


@dataclass(frozen=True, slots=True)
class Filing:
    """When a filing was accepted, which is when it became public."""

    accession: str
    accepted_at: datetime
    sic: str | None
    """Of the company, as EDGAR has it when it is asked."""
    source: str


@dataclass(frozen=True, slots=True)
class Figi:
    isin: str
    figi: str
    source: str


@dataclass(frozen=True, slots=True)
class Article:
    """Where an article stands and what it is called, without its text: the terms of the development tier leave it out."""

    publisher_id: str | None
    publisher: str
    author: str | None
    title: str
    description: str | None
    url: str
    published_at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    symbol: str
    name: str
    currency: str
    exchange: str
    industry: str | None
    sector: str | None
    country: str | None
    isin: str | None
    cusip: str | None
    market_cap: Decimal | None
    beta: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What a security is quoted at; `change_percent` is in percent points: 1.5 is one and a half percent."""

    symbol: str
    name: str | None
    price: Decimal
    previous_close: Decimal | None
    open: Decimal | None
    day_low: Decimal | None
    day_high: Decimal | None
    year_low: Decimal | None
    year_high: Decimal | None
    change: Decimal | None
    change_percent: Decimal | None
    volume: Decimal | None
    market_cap: Decimal | None
    exchange: str | None
    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class Earnings:
    symbol: str
    day: date
    eps: Decimal | None
    eps_estimated: Decimal | None
    revenue: Decimal | None
    revenue_estimated: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class IncomeStatement:
    """A period's income. None where the statement does not say, never zero instead; so in the next three."""

    symbol: str
    period_end: date
    fiscal_year: str | None
    period: str | None
    currency: str | None
    revenue: Decimal | None
    cost_of_revenue: Decimal | None
    gross_profit: Decimal | None
    operating_expenses: Decimal | None
    operating_income: Decimal | None
    interest_expense: Decimal | None
    net_income: Decimal | None
    eps: Decimal | None
    eps_diluted: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class BalanceSheet:
    symbol: str
    period_end: date
    fiscal_year: str | None
    period: str | None
    currency: str | None
    total_assets: Decimal | None
    current_assets: Decimal | None
    cash: Decimal | None
    total_liabilities: Decimal | None
    current_liabilities: Decimal | None
    equity: Decimal | None
    retained_earnings: Decimal | None
    total_debt: Decimal | None
    intangible_assets: Decimal | None
    goodwill: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class CashFlow:
    """A period's cash flows; `dividends_paid` is negative when paid."""

    symbol: str
    period_end: date
    fiscal_year: str | None
    period: str | None
    currency: str | None
    operating: Decimal | None
    capital_expenditure: Decimal | None
    free: Decimal | None
    dividends_paid: Decimal | None
    stock_based_compensation: Decimal | None
    source: str


@dataclass(frozen=True, slots=True)
class Ratios:
    """Ratios at a period's end, as fractions: 0.25 is a quarter."""

    symbol: str
    period_end: date
    period: str | None
    current: Decimal | None
    quick: Decimal | None
    net_margin: Decimal | None
    operating_margin: Decimal | None
    gross_margin: Decimal | None
    debt_to_equity: Decimal | None
    price_to_book: Decimal | None
    price_to_earnings: Decimal | None
    dividend_yield: Decimal | None
    payout: Decimal | None
    source: str
