"""SEC EDGAR: what companies reported in the United States, and when. In the public domain; who asks has to say an e-mail address.

A company is its CIK. `fy` and `fp` of a fact are those of the filing that says it, so they are not
read: the period is `start` to `end`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from pricing.providers import fields
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import BadSymbol, Client, Provider
from pricing.providers.rows import Fact, Filing

PROVIDER = Provider(
    code="sec-edgar",
    host="data.sec.gov",
    base_path="",
    allowance=Allowance(per_minute=300),
    key_variable="SEC_EDGAR_EMAIL",
    key_header=("User-Agent", "Tieout {}"),
    off_reason="the SEC answers those alone who say an e-mail address",
)

CLOSE = time(16, 0)
_SIC = re.compile(r"\d{4}", re.ASCII)
QUARTER_DAYS, YEAR_DAYS = range(80, 101), range(350, 381)


@dataclass(frozen=True, slots=True)
class Concept:
    """A figure of a report. `tags`: what it is called in filings, the one to prefer first; `unit`: the only one that is read."""

    title: str
    tags: tuple[str, ...]
    unit: str = "USD"


CONCEPTS: Mapping[str, Concept] = {
    "revenue": Concept(
        "Revenue", ("RevenueFromContractWithCustomerExcludingAssessedTax", "Revenues", "SalesRevenueNet")
    ),
    "operating_income": Concept("Operating income", ("OperatingIncomeLoss",)),
    "net_income": Concept("Net income", ("NetIncomeLoss",)),
    "eps_diluted": Concept("Diluted earnings per share", ("EarningsPerShareDiluted",), "USD/shares"),
    "operating_flow": Concept("Cash flow from operations", ("NetCashProvidedByUsedInOperatingActivities",)),
    "capex": Concept("Capital expenditure", ("PaymentsToAcquirePropertyPlantAndEquipment",)),
    "dividends": Concept("Dividends paid", ("PaymentsOfDividends", "PaymentsOfDividendsCommonStock")),
    "assets": Concept("Total assets", ("Assets",)),
    "liabilities": Concept("Total liabilities", ("Liabilities",)),
    "equity": Concept("Shareholders' equity", ("StockholdersEquity",)),
    "cash": Concept("Cash and equivalents", ("CashAndCashEquivalentsAtCarryingValue",)),
    "debt": Concept("Long-term debt", ("LongTermDebtNoncurrent", "LongTermDebt")),
}


def cik_of(symbol: str) -> str:
    """Ten digits of a company's number. Raises BadSymbol for a ticker: which company it means today is not for us to guess."""
    if not symbol.isascii() or not symbol.isdigit() or len(symbol) > 10:
        raise BadSymbol(symbol)
    return symbol.zfill(10)


def fetch_facts(client: Client, cik: str) -> Answer[Fact]:
    """Every filing of every period of CONCEPTS; a company that reports by other rules than US GAAP has no row."""
    today = client.clock.utc().date()
    payload = client.get(f"/api/xbrl/companyfacts/CIK{cik_of(cik)}.json", fault=_fault_of_facts)
    reported = payload["facts"].get("us-gaap", {})
    sieve = Sieve[Fact](PROVIDER.code, "fact", day="end", about=cik)
    for name, concept in CONCEPTS.items():
        for rank, tag in enumerate(concept.tags):

            def fact(row: Mapping[str, Any], name: str = name, rank: int = rank) -> Fact:
                end = fields.day(row, "end", latest=today)
                start, filed = fields.maybe_day(row, "start"), fields.day(row, "filed", latest=today)
                if (start is not None and start > end) or filed < end:
                    raise BadField("end", end, "lies before its start, or after it was filed")
                return Fact(
                    name, rank, start, end, fields.number(row, "val"), filed, fields.text(row, "accn"), PROVIDER.code
                )

            rows = reported.get(tag, {}).get("units", {}).get(concept.unit, [])
            sieve.take(rows, fact, key=lambda row: (row.concept, row.rank, row.start, row.end, row.accession))
    return sieve.answer()


def fetch_filings(client: Client, cik: str) -> Answer[Filing]:
    """When each of a company's newest filings was accepted. Older ones are on further pages, which are not asked for."""
    payload = client.get(f"/submissions/CIK{cik_of(cik)}.json", fault=_fault_of_filings)
    recent, sic = payload["filings"]["recent"], payload.get("sic")
    known_sic = sic if isinstance(sic, str) and _SIC.fullmatch(sic) else None
    rows = [
        {"accessionNumber": number, "acceptanceDateTime": accepted}
        for number, accepted in zip(recent["accessionNumber"], recent["acceptanceDateTime"], strict=True)
    ]

    def filing(row: Mapping[str, Any]) -> Filing:
        return Filing(
            fields.text(row, "accessionNumber"), fields.instant(row, "acceptanceDateTime"), known_sic, PROVIDER.code
        )

    sieve = Sieve[Filing](PROVIDER.code, "filing", day="acceptanceDateTime", about=cik)
    sieve.take(rows, filing, key=lambda row: row.accession)
    return sieve.answer()


def known_at(filed: date, accepted_at: datetime | None) -> date:
    """The first weekday on whose session a filing could be traded: the next one if it was accepted after the close.

    Whether EDGAR means its instants in UTC, as it writes, or in New York is not verified. The digits are read as New York's: that
    is never the earlier of the two. Without an instant a filing is known on the weekday after the day it was filed.
    """
    if accepted_at is None:
        return _weekday(filed + timedelta(days=1))
    day = max(filed, accepted_at.date())
    return _weekday(day + timedelta(days=1) if day == accepted_at.date() and accepted_at.time() >= CLOSE else day)


def _weekday(day: date) -> date:
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() > 4 else day


def frequency_of(fact: Fact) -> str | None:
    """Q for three months and for a balance, A for a year; None for what covers another time, as nine months do."""
    if fact.start is None:
        return "Q"
    days = (fact.end - fact.start).days + 1
    return "Q" if days in QUARTER_DAYS else "A" if days in YEAR_DAYS else None


def _fault_of_facts(payload: Any) -> str | None:
    facts = payload.get("facts") if isinstance(payload, dict) else None
    if not isinstance(facts, dict) or not isinstance(facts.get("us-gaap", {}), dict):
        return "has no facts"
    tags = {tag for concept in CONCEPTS.values() for tag in concept.tags}
    for tag, content in facts.get("us-gaap", {}).items():
        units = content.get("units") if isinstance(content, dict) else None
        if tag in tags and not (isinstance(units, dict) and all(isinstance(rows, list) for rows in units.values())):
            return f"has no units of {tag}"
    return None


def _fault_of_filings(payload: Any) -> str | None:
    filings = payload.get("filings") if isinstance(payload, dict) else None
    recent = filings.get("recent") if isinstance(filings, dict) else None
    numbers, instants = (
        (recent.get("accessionNumber"), recent.get("acceptanceDateTime")) if isinstance(recent, dict) else (None, None)
    )
    if not isinstance(numbers, list) or not isinstance(instants, list):
        return "has no filings"
    return None if len(numbers) == len(instants) else "has more of one column than of another"
