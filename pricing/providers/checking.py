"""Whether a provider still answers as it did when its door was written here: one small question, of what it surely has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from config.breaker import BreakerOpen
from config.errors import TieoutError
from pricing.providers import ecb, edgar, fmp, fred, http, newsapi, openfigi, polygon, tiingo, treasury
from pricing.providers.fields import Answer
from pricing.providers.http import Client, Provider

CONTRACT_AS_OF = "2026-11"
"""When the shapes that we expect were last compared with what the providers say of themselves."""

SPLIT_DAY = date(2020, 8, 31)
"""Of Apple, four for one."""

DIVIDEND_DAY = date(2020, 8, 7)
"""Of Apple, before that split."""

APPLE = "320193"
"""Its CIK."""

APPLE_ISIN = "US0378331005"

Question = Callable[[Client, date], Answer[Any]]

CHECKS: Mapping[str, tuple[Provider, Question]] = {
    "ecb": (ecb.PROVIDER, lambda client, today: ecb.fetch_fixings(client, "USD", first=_fortnight(today), last=today)),
    "fmp": (fmp.PROVIDER, lambda client, today: fmp.fetch_profile(client, "AAPL")),
    "fred": (
        fred.PROVIDER,
        lambda client, today: fred.fetch_observations(client, "DGS10", first=_fortnight(today), last=today),
    ),
    "newsapi": (newsapi.PROVIDER, lambda client, today: newsapi.fetch_headlines(client, country="us", size=5)),
    "openfigi": (openfigi.PROVIDER, lambda client, today: openfigi.fetch_figis(client, "XNAS", APPLE_ISIN)),
    "polygon": (
        polygon.PROVIDER,
        lambda client, today: polygon.fetch_splits(client, "AAPL", first=SPLIT_DAY, last=SPLIT_DAY),
    ),
    "sec-edgar": (edgar.PROVIDER, lambda client, today: edgar.fetch_facts(client, APPLE)),
    "tiingo": (
        tiingo.PROVIDER,
        lambda client, today: tiingo.fetch_days(client, "AAPL", first=DIVIDEND_DAY, last=SPLIT_DAY),
    ),
    "treasury": (
        treasury.PROVIDER,
        lambda client, today: treasury.fetch_par_yields(client, "UST10Y", first=_fortnight(today), last=today),
    ),
}


class UnknownProvider(TieoutError):
    """No provider has that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no provider is called {name}: there are {', '.join(CHECKS)}")
        self.name = name


@dataclass(frozen=True, slots=True)
class ProviderCheck:
    """What came of it. `differences`: what is not as the contract has it; none where all is."""

    provider: str
    contract_as_of: str
    rows: int
    differences: tuple[str, ...]


def check(name: str, *, today: date) -> ProviderCheck:
    """Ask a provider once. Raises UnknownProvider, http.ProviderOff."""
    if name not in CHECKS:
        raise UnknownProvider(name)
    terms, question = CHECKS[name]
    client = http.client_of(terms)
    try:
        answer = question(client, today)
    except (http.ProviderFailed, http.ProviderBusy, http.RequestRefused, BreakerOpen) as failure:
        return ProviderCheck(name, CONTRACT_AS_OF, 0, (str(failure),))
    return ProviderCheck(name, CONTRACT_AS_OF, len(answer.rows), (*map(str, answer.refused), *_lacking(answer)))


def _lacking(answer: Answer[Any]) -> list[str]:
    """What should have come and did not: any row at all, and of optional fields those that no row has, as after a renaming."""
    if not answer.rows:
        return ["it sent no row that can be used, of what it surely has"]
    names = [each.name for each in fields(answer.rows[0])]
    return [f"no row has a value of {name}" for name in names if all(getattr(row, name) is None for row in answer.rows)]


def _fortnight(today: date) -> date:
    return today - timedelta(days=14)
