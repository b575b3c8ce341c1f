"""Rates and yields of public bodies that ask for no key: fetched into the market data, and kept current from then on."""

from datetime import date
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest

from pricing import classifications, market, packs
from pricing.archive import loading
from pricing.classifications import Kind
from pricing.models import PackObservation, PackRate, QuarantinedRow, Security, SecurityAlias, Series
from pricing.providers import fetching, http
from pricing.tests import folders, market_data, provider_server
from pricing.tests.provider_server import sent

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

NINTH, TENTH = date(2020, 1, 9), date(2020, 1, 10)
QUIET = {"corporate_actions.csv": folders.SMALL["corporate_actions.csv"].rsplit("2020-01-07,,OAK", 1)[0]}
CURVE = 'Date,"3 Mo","10 Yr"\n01/10/2020,1.55,1.83\n01/09/2020,1.54,1.85\n'


def of_ecb(*rows):
    header = "FREQ,CURRENCY,CURRENCY_DENOM,EXR_TYPE,TIME_PERIOD,OBS_VALUE"
    return "\n".join([header, *(f"D,{currency},EUR,SP00,{day},{rate}" for currency, day, rate in rows)])


BOTH = [("USD", "2020-01-09", "1.1110"), ("USD", "2020-01-10", "1.1091"), ("GBP", "2020-01-10", "0.84990")]


@pytest.fixture
def public(server, settings, monkeypatch, tmp_path):
    """What ECB and Treasury answer; nobody has a key. Told again, they answer otherwise."""
    clients = []

    def make_client(terms, key):
        assert key == ""
        clients.append(provider_server.client_to(server, terms))
        return clients[-1]

    def answers(*, rates=BOTH, corrected=(), curve=CURVE):
        def answer(handler):
            address = urlsplit(handler.path)
            if "EXR" not in address.path:
                sent(curve)(handler)
            elif "updatedAfter" in parse_qs(address.query):
                (sent(of_ecb(*corrected)) if corrected else sent("No results found.", 404))(handler)
            else:
                sent(of_ecb(*rates))(handler)

        server.answers(answer)

    monkeypatch.setattr(http, "make_client", make_client)
    settings.PROVIDER_KEYS = {}
    settings.VAR = tmp_path / "var"
    answers()
    yield answers
    for client in clients:
        client.session.close()


@pytest.fixture
def policy(tmp_path, public):
    return market_data.loaded(tmp_path / "archive", QUIET)


def fetch(provider, *only, first=NINTH, last=TENTH):
    return fetching.fetch(
        provider=provider, run=UUID(int=77), today=date(2020, 1, 11), first=first, last=last, only=only
    )


def rates_of_ecb():
    reading = loading.read_loaded()
    code = reading.source_names.index("ecb")
    return {
        (reading.rates.pairs[rates.pair[row]][1], str(rates.date[row]), rates.rate[row].decode())
        for rates in (reading.rates, reading.other_rates)
        for row in (rates.source == code).nonzero()[0].tolist()
    }


def test_fixings_end_in_a_sealed_pack_without_any_key(policy, server):
    outcome = fetch("ecb", "USD", "GBP")

    pack = market_data.build(policy)[-1]
    sealed = PackRate.objects.filter(content=pack.content_id, source="ecb")
    assert (pack.asof_date, outcome.failed, outcome.counts["fx.csv"].added) == (TENTH, [], 3)
    assert dict(sealed.values_list("quote", "rate")) == {"USD": Decimal("1.1091"), "GBP": Decimal("0.84990")}
    assert packs.verify(policy=policy) is None


def test_what_was_fetched_once_is_kept_current_without_being_named(policy, public, server):
    fetch("ecb", "USD")
    public(rates=[("USD", "2020-01-10", "1.1092")], corrected=[("USD", "2020-01-09", "1.1111")])

    outcome = fetch("ecb", first=TENTH)

    assert server.asked[0][0].endswith("/EXR/D.USD.EUR.SP00.A")
    assert (outcome.counts["fx.csv"].changed, outcome.counts["fx.csv"].added) == (2, 0)
    assert rates_of_ecb() == {("USD", "2020-01-09", "1.1111"), ("USD", "2020-01-10", "1.1092")}


@pytest.mark.parametrize("provider", ["ecb", "treasury"])
def test_nobody_is_asked_before_something_was_named(policy, server, provider):
    with pytest.raises(fetching.NothingToFetch, match="name some"):
        fetch(provider)

    assert server.asked == []


def test_a_currency_that_is_none_or_has_no_fixing_fails_by_name_and_the_others_are_taken(policy):
    outcome = fetch("ecb", "USD", "GBP", "CHF", "EUR", "XXY")

    assert [(each.key, each.what) for each in outcome.failed] == [
        ("EUR", "fixings"), ("XXY", "fixings"), ("CHF", "fixings"),
    ]  # fmt: skip
    assert {quote for quote, _, _ in rates_of_ecb()} == {"USD", "GBP"}


def test_a_refused_fixing_is_in_quarantine_by_its_pair(policy, public):
    public(rates=[*BOTH, ("USD", "2020-01-08", "-1.1")])

    fetch("ecb", "USD", "GBP", first=date(2020, 1, 8))

    row = QuarantinedRow.objects.get()
    assert (row.kind, row.key, row.date, row.value, row.rule) == (
        "rate",
        "EUR/USD",
        date(2020, 1, 8),
        "-1.1",
        "refused",
    )


def test_yields_begin_when_they_are_named_and_enter_packs_after_their_lag(policy):
    fetch("ecb", "USD")

    outcome = fetch("treasury", "UST10Y")

    market_data.build(policy)
    series = Series.objects.get(pk="UST10Y")
    assert (series.unit, series.frequency, series.source) == ("percent", "D", "treasury")
    assert (outcome.counts["macro.csv"].added, outcome.counts["macro_series.csv"].added) == (2, 1)
    assert list(PackObservation.objects.filter(series="UST10Y").values_list("observation_date", "value")) == [
        (NINTH, Decimal("1.85"))
    ]

    assert fetch("treasury").counts["macro.csv"].differ == 0


@pytest.mark.parametrize(("series", "reason"), [("Y10", "its source is bureau"), ("UST11Y", "is none of UST1M, UST6W")])
def test_a_series_that_is_anothers_or_none_is_not_asked_for(policy, server, series, reason):
    with pytest.raises(fetching.NothingFetched, match=f"par yields of {series}: {reason}"):
        fetch("treasury", series)

    assert server.asked == []


# --- SEC EDGAR


def oak_filed(*rows):
    return {"facts": {"us-gaap": {"Assets": {"units": {"USD": [dict(row) for row in rows]}}}}}


ASSETS = {"end": "2019-09-30", "val": 100, "accn": "a-1", "fy": 2019, "fp": "FY", "form": "10-K", "filed": "2020-01-07"}
AGAIN = ASSETS | {"accn": "a-2", "filed": "2020-01-08", "fp": "Q1", "fy": 2020}
CORRECTED = ASSETS | {"accn": "a-3", "filed": "2020-01-09", "val": 90}
ACCEPTED = {
    "accessionNumber": ["a-1", "a-2", "a-3"],
    "acceptanceDateTime": ["2020-01-07T16:31:00.000Z", "2020-01-08T08:00:00.000Z", "2020-01-09T09:00:00.000Z"],
}


@pytest.fixture
def filings(policy, server, settings, monkeypatch):
    settings.PROVIDER_KEYS = {"sec-edgar": "me@example.org"}
    clients = []

    def make_client(terms, key):
        clients.append(provider_server.client_to(server, terms))
        return clients[-1]

    monkeypatch.setattr(http, "make_client", make_client)

    def answer(handler):
        told = (
            oak_filed(ASSETS, AGAIN, CORRECTED)
            if "companyfacts" in handler.path
            else {"sic": "3571", "sicDescription": "Electronic Computers", "filings": {"recent": ACCEPTED}}
        )
        sent(told)(handler)

    server.answers(answer)
    SecurityAlias.objects.create(
        security=Security.objects.get(symbol="OAK"), provider="sec-edgar", symbol="320193", valid_from=date(2020, 1, 2)
    )
    yield
    for client in clients:
        client.session.close()


def test_a_figure_enters_the_pack_of_the_first_session_after_it_was_filed(policy, filings):
    fetch("sec-edgar")

    built = market_data.build(policy)
    known = {
        pack.asof_date.day: [
            (row.value, row.known_at.day, row.flags) for row in market.observations(pack, "OAK/assets/Q")
        ]
        for pack in built
    }
    assert known[7] == []
    assert known[8] == [(Decimal(100), 8, "")]
    assert known[9] == [(Decimal(90), 9, "")]
    assert Series.objects.get(pk="OAK/assets/Q").unit == "USD"
    assert fetch("sec-edgar").counts == {}


def test_the_industry_of_a_company_is_a_sector_known_from_the_day_it_was_asked_for(policy, filings):
    fetch("sec-edgar")

    rows = loading.read_loaded()
    code = next(code for code, row in enumerate(rows.series) if row.id == "sector:OAK")
    (row,) = (rows.observations.series == code).nonzero()[0].tolist()
    told = rows.observations
    assert classifications.decode(Kind.SECTOR, Decimal(told.value[row].decode())) == "Information Technology"
    assert (rows.source_names[told.source[row]], told.known_at[row].item()) == (
        "sec-edgar",
        provider_server.NOON.date(),
    )


def test_a_security_without_its_number_is_not_looked_up_by_its_ticker(policy, filings, server):
    with pytest.raises(fetching.NothingFetched, match="'ASH' is no symbol"):
        fetch("sec-edgar", "ASH")

    assert server.asked == []
