"""What providers say a security is: a sector, a country, an ISIN, a FIGI, each known from the day on which it was asked for."""

import json
from datetime import date
from decimal import Decimal
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from pricing import classifications
from pricing.archive import loading
from pricing.classifications import Kind
from pricing.models import Security, SecurityAlias
from pricing.providers import classifying, fetching, http
from pricing.quality.symbols import SymbolUnknown
from pricing.tests import folders, market_data, provider_server
from pricing.tests.provider_server import KEY, NOON, sent

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

QUIET = {"corporate_actions.csv": folders.SMALL["corporate_actions.csv"].rsplit("2020-01-07,,OAK", 1)[0]}
PROFILE, MAPPING = "/stable/profile", "/v3/mapping"


@pytest.fixture
def provider(server, settings, monkeypatch, tmp_path):
    """Answers by the path; what is not told is an empty list."""
    clients = []

    def make_client(terms, key):
        clients.append(provider_server.client_to(server, terms))
        return clients[-1]

    def answers(**routes):
        by_path = {{"profile": PROFILE, "mapping": MAPPING}[name]: told for name, told in routes.items()}
        server.answers(lambda handler: sent(by_path.get(urlsplit(handler.path).path, []))(handler))

    monkeypatch.setattr(http, "make_client", make_client)
    settings.PROVIDER_KEYS = {"fmp": KEY}
    settings.VAR = tmp_path / "var"
    market_data.loaded(tmp_path / "archive", QUIET)
    SecurityAlias.objects.create(
        security=Security.objects.get(symbol="OAK"), provider="fmp", symbol="OAK.N", valid_from=date(2020, 1, 2)
    )
    yield answers
    for client in clients:
        client.session.close()


def fetch(provider, *only):
    return fetching.fetch(
        provider=provider,
        run=UUID(int=77),
        today=date(2020, 1, 11),
        first=date(2020, 1, 9),
        last=date(2020, 1, 10),
        only=only,
    )


OAK = {
    "symbol": "OAK.N", "companyName": "Oak Inc.", "currency": "USD", "exchange": "NYSE", "sector": "Consumer Cyclical",
    "country": "US", "isin": "US0378331005",
}  # fmt: skip


def said_of_oak():
    rows = loading.read_loaded()
    codes = {code: row.id for code, row in enumerate(rows.series) if row.id.endswith(":OAK")}
    stored = rows.observations
    return [
        (
            codes[code],
            classifications.decode(Kind(codes[code].partition(":")[0]), Decimal(value.decode())),
            rows.source_names[source],
            known_at.item(),
        )
        for code, value, source, known_at in zip(
            stored.series.tolist(), stored.value, stored.source.tolist(), stored.known_at, strict=True
        )
        if code in codes
    ]


def test_a_profile_says_what_a_company_is_from_the_day_it_was_asked_for(provider):
    provider(profile=[OAK])

    outcome = fetch("fmp")

    assert outcome.failed == []
    assert sorted(said_of_oak()) == [
        ("isin:OAK", "US0378331005", "fmp", NOON.date()),
        ("region:OAK", "US", "fmp", NOON.date()),
        ("sector:OAK", "Consumer Discretionary", "fmp", NOON.date()),
    ]
    assert not any(counts.differ for counts in fetch("fmp").counts.values())


@pytest.mark.parametrize(
    ("changes", "what", "reason"),
    [
        ({"sector": "Conglomerates"}, "sector", "'Conglomerates' is no sector"),
        ({"country": "Atlantis"}, "region", "'Atlantis' is no region"),
        ({"isin": "US0378331006"}, "isin", "'US0378331006' is no isin"),
    ],
)
def test_what_a_profile_says_and_is_none_fails_by_name_and_the_rest_is_taken(provider, changes, what, reason):
    provider(profile=[OAK | changes])

    outcome = fetch("fmp")

    ((key, named, why),) = ((each.key, each.what, each.reason) for each in outcome.failed)
    assert (key, named) == ("OAK", what)
    assert why.startswith(reason)
    assert len(said_of_oak()) == 2


def test_staff_overrule_a_provider_and_a_provider_nobody_but_itself(provider):
    classifying.classify("OAK", {Kind.SECTOR: "Energy"}, known_at=date(2020, 1, 3))
    provider(profile=[OAK])
    fetch("fmp")
    classifying.classify("OAK", {Kind.REGION: "CA"}, known_at=NOON.date())
    provider(profile=[OAK | {"isin": "US4592001014"}])
    fetch("fmp")

    said = {series: (text, source) for series, text, source, _ in said_of_oak()}

    assert said == {
        "sector:OAK": ("Energy", "manual"),
        "region:OAK": ("CA", "manual"),
        "isin:OAK": ("US4592001014", "fmp"),
    }


# --- OpenFIGI


def figis(*rows):
    return [{"data": [row]} if row else {"warning": "No identifier found."} for row in rows]


def test_a_figi_is_asked_for_by_the_isin_and_the_exchange_that_are_known(provider, server):
    classifying.classify("OAK", {Kind.ISIN: "US0378331005"}, known_at=date(2020, 1, 3))
    provider(mapping=figis({"figi": "BBG000B9Y5X2", "compositeFIGI": "BBG000B9XRY4"}))

    outcome = fetch("openfigi", "OAK", "ASH")

    asked = [{"idType": "ID_ISIN", "idValue": "US0378331005", "micCode": Security.objects.get(symbol="OAK").exchange}]
    assert (server.asked, [json.loads(each) for each in server.bodies]) == ([(MAPPING, {})], [asked])
    assert ("figi:OAK", "BBG000B9XRY4", "openfigi", NOON.date()) in said_of_oak()
    assert [(each.key, each.reason) for each in outcome.failed] == [("ASH", "no ISIN of it is known to ask by")]
    assert fetch("openfigi").counts == {}


@pytest.mark.parametrize(
    ("row", "failed", "refused"),
    [
        (None, ["there is none of US0378331005 at XNYS"], []),
        ({"figi": "BBG000B9Y5X2", "compositeFIGI": None}, ["there is none of US0378331005 at XNYS"], ["is missing"]),
        (
            {"figi": "BBG000B9Y5X2", "compositeFIGI": "BBG000B9XRY5"},
            ["there is none of US0378331005 at XNYS"],
            ["is no FIGI"],
        ),
    ],
)
def test_an_isin_without_a_figi_fails_by_name(provider, row, failed, refused):
    classifying.classify("OAK", {Kind.ISIN: "US0378331005"}, known_at=date(2020, 1, 3))
    provider(mapping=figis(row))

    outcome = fetch("openfigi", "OAK")

    assert [each.reason for each in outcome.failed] == failed
    assert [(each.symbol, each.rule) for each in outcome.refused] == [("OAK", rule) for rule in refused]
    assert {series for series, *_ in said_of_oak()} == {"isin:OAK"}


def test_openfigi_is_asked_for_nothing_that_nobody_named(provider, server):
    with pytest.raises(fetching.NothingToFetch, match="name some"):
        fetch("openfigi")
    with pytest.raises(SymbolUnknown):
        fetch("openfigi", "NONE")

    assert server.asked == []
