"""Fetch from a provider: it is asked by its own symbols, rows that can't be read go to quarantine, the others into the next market
data folder, which is loaded like any other. Packs are then built from it by the same rules.

Nothing is fetched twice into the same place: a row of the provider stands for its earlier one, another source's row stays.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from config.errors import TieoutError
from pricing.archive import loading
from pricing.providers import (
    ecb,
    edgar,
    fmp,
    fred,
    fundamentals,
    http,
    intake,
    openfigi,
    polygon,
    questions,
    tiingo,
    treasury,
    vintages,
)
from pricing.providers.conversation import Conversation, Failed, Fetched
from pricing.providers.http import Provider
from pricing.quality import quarantine

OVERLAP_DAYS = 7
"""How far before the end of what is loaded closes and actions are asked for again: corrections mostly come within days."""

FETCHED: Mapping[str, tuple[Provider, Callable[[Conversation], None]]] = {
    "ecb": (ecb.PROVIDER, questions.ask_ecb),
    "fmp": (fmp.PROVIDER, questions.ask_fmp),
    "fred": (fred.PROVIDER, vintages.ask_fred),
    "openfigi": (openfigi.PROVIDER, questions.ask_openfigi),
    "polygon": (polygon.PROVIDER, questions.ask_polygon),
    "sec-edgar": (edgar.PROVIDER, fundamentals.ask_edgar),
    "tiingo": (tiingo.PROVIDER, questions.ask_tiingo),
    "treasury": (treasury.PROVIDER, questions.ask_treasury),
}
"""NewsAPI's articles and FMP's statements and quotes are no part of a pack: they are read when they are asked for."""


class NotForPacks(TieoutError):
    """No provider of that name tells what packs hold."""

    def __init__(self, provider: str) -> None:
        super().__init__(f"{provider} has nothing that packs hold: ask {', '.join(FETCHED)}")
        self.provider = provider


class NothingToFetch(TieoutError):
    """No security, currency or series has this provider as its source."""

    def __init__(self, provider: str) -> None:
        super().__init__(
            f"nothing to ask {provider} for: no security, currency or series has it as its source, none an alias of it; name some"
        )
        self.provider = provider


class NothingFetched(TieoutError):
    """Every question failed; the loaded market data is as it was."""

    def __init__(self, provider: str, failed: Sequence["Failed"]) -> None:
        super().__init__(
            f"{provider} answered nothing: {failed[0]}" + (f", and {len(failed) - 1} more" if failed[1:] else "")
        )
        self.provider, self.failed = provider, tuple(failed)


def fetch(
    *,
    provider: str,
    run: UUID,
    today: date,
    first: date | None = None,
    last: date | None = None,
    only: Sequence[str] = (),
) -> Fetched:
    """Ask a provider for the days from `first` (None: a week before the end of what is loaded) to `last` (None: yesterday).

    only    symbols of ours, currencies or series; else all that are this provider's, by source, alias or override
    run     under which refused rows go into quarantine
    raises  NotForPacks, http.ProviderOff, http.KeyRefused; NothingToFetch; NothingFetched; loading.NoArchive,
            loading.ArchiveChanged; symbols.SymbolUnknown for one in `only`; archive.ArchiveRefused. Nothing is loaded then.
            What failed for some is in the outcome, and the others are loaded.
    """
    if provider not in FETCHED:
        raise NotForPacks(provider)
    terms, ask = FETCHED[provider]
    client = http.client_of(terms)
    reading = loading.read_loaded()
    last = last or today - timedelta(days=1)
    outcome = Fetched(provider, first or reading.archive_end - timedelta(days=OVERLAP_DAYS), last)
    conversation = Conversation(client, reading, outcome, only)
    ask(conversation)
    if not conversation.questions:
        raise NothingToFetch(provider)
    if len(outcome.failed) >= conversation.questions and not conversation.answers:
        raise NothingFetched(provider, outcome.failed)
    quarantine.record(intake.suspects_of(outcome.refused, fetched_on=last), run=run)
    intake.take_in(conversation.provider_rows(), outcome)
    return outcome


def as_dict(outcome: Fetched) -> dict[str, Any]:
    """The outcome as JSON's types."""
    return asdict(outcome)
