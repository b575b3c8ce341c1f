"""What of a company's filings becomes observations: each figure of a quarter or a year is a series, and known once it was filed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from pricing.classifications import Kind
from pricing.models import Security
from pricing.providers import classifying, edgar, industries, vintages
from pricing.providers.conversation import Conversation
from pricing.providers.rows import Fact, Observation

LONGEST_ID = 32
UNITS = {"USD": "USD", "USD/shares": "USD per share"}


def series_id(symbol: str, concept: str, frequency: str) -> str:
    """`AAPL/revenue/Q`."""
    return f"{symbol}/{concept}/{frequency}"


def ask_edgar(conversation: Conversation) -> None:
    """All that a company ever filed. Its CIK has to be its alias or override: a ticker is another company's tomorrow."""
    companies: dict[Security, str] = {}
    for security, span in conversation.securities():
        companies[security] = span.symbol or ""  # of several, the newest
    for security, cik in companies.items():
        facts = conversation.ask(security.symbol, "facts", edgar.fetch_facts, cik)
        filings = conversation.ask(security.symbol, "filings", edgar.fetch_filings, cik) if facts else None
        if facts is None or filings is None:
            continue  # without the instants figures would be known too late, and never again earlier
        for answer in (facts, filings):
            conversation.refuse(answer.refused, security.symbol)
        if not facts.rows:
            conversation.fail(security.symbol, "facts", "no figure by US GAAP in dollars")
        accepted_at = {filing.accession: filing.accepted_at for filing in filings.rows}
        _take(conversation, security.symbol, facts.rows, accepted_at)
        _take_sector(conversation, security.symbol, next((filing.sic for filing in filings.rows), None))


def _take_sector(conversation: Conversation, symbol: str, sic: str | None) -> None:
    sector = None if sic is None else industries.sector_of(sic)
    if sector is not None:
        classifying.take(conversation, symbol, {Kind.SECTOR: sector})
    elif sic is not None:
        conversation.fail(symbol, "sector", f"the industry {sic} (SIC) is near to no sector")


def observations(
    facts: Iterable[Fact], accepted_at: Mapping[str, datetime]
) -> dict[tuple[str, str], list[Observation]]:
    """(concept, frequency) → every figure of each period's end, known from the filing that said it first. Pure.

    A later filing that repeats a figure adds nothing; one that says another corrects it from its own day on. Of two names of a
    concept in one filing the preferred one counts. Of two periods that end
    on one day and are as long as a quarter, or as a year, the longer one counts.
    """
    fact_of: dict[tuple[str, str, date, date], Fact] = {}
    for fact in sorted(facts, key=lambda each: (-each.rank, each.start is None or -each.start.toordinal(), each.filed)):
        frequency = edgar.frequency_of(fact)
        if frequency is not None:
            known_on = edgar.known_at(fact.filed, accepted_at.get(fact.accession))
            fact_of[fact.concept, frequency, fact.end, known_on] = fact
    series: dict[tuple[str, str], list[Observation]] = defaultdict(list)
    for (concept, frequency, end, known_on), fact in sorted(fact_of.items(), key=lambda item: item[0]):
        series[concept, frequency].append(Observation(concept, end, fact.value, known_on, date.max, fact.source))
    return series


def _take(conversation: Conversation, symbol: str, facts: Sequence[Fact], accepted_at: Mapping[str, datetime]) -> None:
    described = {row.id for row in conversation.reading.series}
    for (concept, frequency), rows in observations(facts, accepted_at).items():
        name, terms = series_id(symbol, concept, frequency), edgar.CONCEPTS[concept]
        if len(name) > LONGEST_ID:
            conversation.fail(symbol, concept, f"{name} is longer than {LONGEST_ID} characters")
            continue
        if name not in described:
            conversation.rows["macro_series.csv"].append(
                {
                    "id": name,
                    "title": f"{terms.title} of {symbol}",
                    "unit": UNITS[terms.unit],
                    "frequency": frequency,
                    "source": edgar.PROVIDER.code,
                }
            )
        public = [row for row in rows if row.realtime_start <= conversation.outcome.last]
        vintages.take_observations(conversation, name, vintages.known_values(conversation.reading, name), public)
