"""Made filings of companies, and what packs know of them: no figure before the session on which it could be traded upon."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pricing.packs.deltas import Deltas, not_withdrawn
from pricing.packs.rows import KnownObservation
from pricing.providers import fundamentals
from pricing.providers.rows import Fact

FIRST = date(2003, 1, 1)


@dataclass(frozen=True)
class Filing:
    """A filing of one company, with the day and instant that EDGAR gives it."""

    accession: str
    filed: date
    accepted_at: datetime | None


def made(chance: random.Random, years: int = 10) -> tuple[list[Fact], dict[str, Filing]]:
    """A company's facts. Each value is of one period, and is repeated, or corrected, by later filings; some are late, amended,
    filed on a weekend, in the evening, without an instant, or in another order than their periods."""
    facts: list[Fact] = []
    filings: dict[str, Filing] = {}
    told: dict[tuple[str, date | None, date], Decimal] = {}
    value = 1
    for quarter in range(4 * years):
        end = FIRST + timedelta(days=91 * (quarter + 1))
        for number in range(chance.choice((1, 1, 1, 2, 3))):
            filed = end + timedelta(days=chance.randrange(1, 60) if number == 0 else chance.randrange(30, 700))
            instant = datetime(
                filed.year, filed.month, filed.day, chance.randrange(6, 22), chance.randrange(60), tzinfo=UTC
            )
            instant -= timedelta(days=chance.choice((0, 0, 0, 1, 3)))
            accession = f"{quarter:03}-{number}"
            filings[accession] = Filing(accession, filed, instant if chance.random() < 0.8 else None)
            for back in range(chance.choice((1, 2, 5))):  # a report repeats the periods before
                period_end = end - timedelta(days=91 * back)
                for concept, start in (
                    ("revenue", period_end - timedelta(days=90)),
                    ("net_income", period_end - timedelta(days=363)),
                    ("assets", None),
                    ("operating_flow", period_end - timedelta(days=272)),  # nine months: no figure of ours
                ):
                    key = concept, start, period_end
                    if key not in told or chance.random() < 0.2:
                        told[key], value = Decimal(value), value + 1
                    facts.append(Fact(concept, 0, start, period_end, told[key], filed, accession, "sec-edgar"))
    chance.shuffle(facts)
    return facts, filings


def observations(facts: list[Fact], filings: dict[str, Filing]) -> list[KnownObservation]:
    """The rows of the market data folder, in the order in which they became known."""
    accepted_at = {each.accession: each.accepted_at for each in filings.values() if each.accepted_at}
    rows = [
        KnownObservation(
            f"OAK/{concept}/{frequency}", row.observation_date, row.value, row.realtime_start, "", row.source, ""
        )
        for (concept, frequency), of_series in fundamentals.observations(facts, accepted_at).items()
        for row in of_series
        if row.value is not None
    ]
    return sorted(rows, key=lambda row: (row.known_at, row.series, row.observation_date))


def first_filed(facts: list[Fact], filings: dict[str, Filing]) -> dict[tuple[str, date, Decimal], date]:
    """By concept, end of period and value the first day on which a filing said it."""
    found: dict[tuple[str, date, Decimal], date] = {}
    for fact in facts:
        filing = filings[fact.accession]
        accepted = filing.accepted_at.date() if filing.accepted_at else filing.filed
        key = fact.concept, fact.end, fact.value
        found[key] = min(found.get(key, date.max), max(filing.filed, accepted))
    return found


def known_on(rows: list[KnownObservation], days: list[date]) -> Iterator[tuple[date, list[KnownObservation]]]:
    """For a pack of each of the days, sealed one after the other: what a reader of that pack is told."""
    deltas: Deltas[KnownObservation] = Deltas([], rows)
    sealed: list[KnownObservation] = []
    for day in days:
        sealed += deltas.next_rows(day)
        newest = {row.key: row for row in not_withdrawn([row for row in sealed if row.known_at <= day])}
        yield day, list(newest.values())


def figures_before_their_filing(*, seed: int, dates: int, companies: int = 20) -> tuple[int, int]:
    """How many figures that are told on random dates were filed after the date, and of how many."""
    chance, wrong, checked = random.Random(seed), 0, 0
    for company in range(companies):
        facts, filings = made(chance)
        rows, first = observations(facts, filings), first_filed(facts, filings)
        share = dates // companies + (company < dates % companies)
        days = sorted(FIRST + timedelta(days=chance.randrange(91 * 44)) for _ in range(share))
        for day, told in known_on(rows, days):
            checked += len(told)
            for row in told:
                concept = row.series.split("/")[1]
                wrong += first[concept, row.observation_date, row.value] > day
    return wrong, checked
