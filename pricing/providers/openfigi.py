"""OpenFIGI: the FIGI of a security by its ISIN and its exchange. Asked without a key, which it does not want for so little.

How many questions it takes at once and in a minute is not verified: the smaller of the figures that are told is kept to, and an
answer of 429 is obeyed. An ISIN is listed on many exchanges, each with a FIGI of its own; the one of all listings in a country
is the composite FIGI, and the exchange says which country is meant.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from pricing.classifications import Kind, NoClassification, encode
from pricing.providers import fields
from pricing.providers.budget import Allowance
from pricing.providers.fields import Answer, BadField, Sieve
from pricing.providers.http import Client, Provider
from pricing.providers.rows import Figi

PROVIDER = Provider(code="openfigi", host="api.openfigi.com", base_path="/v3", allowance=Allowance(per_minute=20))

MOST_AT_ONCE = 5


def fetch_figis(client: Client, mic: str, *isins: str) -> Answer[Figi]:
    """The composite FIGI of each ISIN on an exchange, of at most MOST_AT_ONCE. `absent` names those that it does not know there."""

    def figi(row: Mapping[str, Any]) -> Figi:
        text = fields.text(row, "compositeFIGI")
        try:
            encode(Kind.FIGI, text)
        except NoClassification as none:
            raise BadField("compositeFIGI", text, "is no FIGI") from none
        return Figi(fields.text(row, "isin"), text, PROVIDER.code)

    jobs = [{"idType": "ID_ISIN", "idValue": isin, "micCode": mic} for isin in isins]
    answers = client.post("/mapping", jobs, fault=lambda payload: _fault(payload, len(jobs)))
    sieve = Sieve[Figi](PROVIDER.code, "figi", symbol="isin")
    rows = chain.from_iterable(_of_job(isin, each) for isin, each in zip(isins, answers, strict=True))
    sieve.take(rows, figi, key=lambda row: row.isin)
    return sieve.answer(requested=isins, name_of=lambda row: row.isin)


def _of_job(isin: str, answer: Mapping[str, Any]) -> list[Any]:
    """What was answered to one question, with the ISIN that it was asked by; nothing where it has a warning instead."""
    if "error" in answer:
        return [{"isin": isin}]
    return [{**row, "isin": isin} if isinstance(row, dict) else row for row in answer.get("data", [])]


def _fault(payload: Any, jobs: int) -> str | None:
    if not isinstance(payload, list) or len(payload) != jobs:
        return "does not answer each question"
    checks = (isinstance(each, dict) and isinstance(each.get("data", []), list) for each in payload)
    return None if all(checks) else "has an answer that is none"
