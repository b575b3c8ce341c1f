"""What a provider on loopback sends ends in a sealed pack, in quarantine, or on record as a question without an answer."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from pricing import market, packs
from pricing.archive import loading
from pricing.archive.tables import ArchiveRefused, FolderFault
from pricing.models import (
    Decision,
    MarketArchive,
    PackAction,
    PackObservation,
    PackPrice,
    QuarantinedRow,
    Security,
    SecurityAlias,
    SymbolOverride,
)
from pricing.providers import fetching, http, intake
from pricing.quality import quarantine, symbols
from pricing.tests import folders, market_data, provider_server
from pricing.tests.provider_server import KEY, sent
from tests.plugin import role

pytestmark = [pytest.mark.usefixtures("db"), pytest.mark.role("job")]

FMP_SPLITS, FMP_DIVIDENDS, FMP_PROFILE = "/stable/splits", "/stable/dividends", "/stable/profile"
RUN = UUID(int=77)
EIGHTH, NINTH, TENTH = date(2020, 1, 8), date(2020, 1, 9), date(2020, 1, 10)
QUIET = {"corporate_actions.csv": folders.SMALL["corporate_actions.csv"].rsplit("2020-01-07,,OAK", 1)[0]}
BARS, SPLITS, DIVIDENDS = "/v2/aggs", "/stocks/v1/splits", "/stocks/v1/dividends"


def bar(day, close):
    return f'{{"t": {int(datetime(day.year, day.month, day.day, 5, tzinfo=UTC).timestamp() * 1000)}, "c": {close}}}'


def bars(*results, ticker="OAKX"):
    return f'{{"ticker": "{ticker}", "adjusted": false, "status": "OK", "results": [{", ".join(results)}]}}'


def events(*results):
    return json.dumps({"status": "OK", "results": list(results)})


@pytest.fixture
def provider(server, settings, monkeypatch):
    """Answers by the beginning of the path; who has no key is off."""
    clients = []

    def make_client(terms, key):
        assert key == KEY
        clients.append(provider_server.client_to(server, terms))
        return clients[-1]

    def answers(**by_path):
        routes = {BARS: bars(), SPLITS: events(), DIVIDENDS: events(), FMP_PROFILE: "[]"} | by_path.pop("routes", {})

        def answer(handler):
            address = urlsplit(handler.path)
            found = next(body for beginning, body in routes.items() if address.path.startswith(beginning))
            told = found({k: v[0] for k, v in parse_qs(address.query).items()}) if callable(found) else found
            (told if callable(told) else sent(told))(handler)

        server.answers(answer)

    monkeypatch.setattr(http, "make_client", make_client)
    settings.PROVIDER_KEYS = {"polygon": KEY, "fred": KEY, "fmp": "", "newsapi": ""}
    yield answers
    for client in clients:
        client.session.close()


@pytest.fixture
def policy(tmp_path, settings):
    settings.VAR = tmp_path / "var"
    policy = market_data.loaded(tmp_path / "archive", QUIET)
    SecurityAlias.objects.create(
        security=Security.objects.get(symbol="OAK"), provider="polygon", symbol="OAKX", valid_from=date(2020, 1, 2)
    )
    return policy


def fetch(provider="polygon", first=NINTH, last=TENTH, **how):
    return fetching.fetch(provider=provider, run=RUN, today=date(2020, 1, 11), first=first, last=last, **how)


def closes_of(pack):
    rows = PackPrice.objects.filter(content=pack.content_id, security__symbol="OAK")
    return list(rows.values_list("close", "observed_date", "source", "flags"))


def test_closes_of_a_provider_end_in_a_sealed_pack_under_our_own_symbol(policy, provider, server):
    provider(routes={BARS: bars(bar(NINTH, "52.1"), bar(TENTH, "52.40"))})

    outcome = fetch()

    pack = market_data.build(policy)[-1]
    assert (pack.asof_date, outcome.archive_end, outcome.failed, outcome.refused) == (TENTH, TENTH, [], [])
    assert closes_of(pack) == [(Decimal("52.40"), TENTH, "polygon", "")]
    assert packs.verify(policy=policy) is None
    assert server.asked[0][0] == "/v2/aggs/ticker/OAKX/range/1/day/2020-01-09/2020-01-10"
    assert KEY not in str(fetching.as_dict(outcome))


def test_a_providers_close_beside_the_securitys_own_is_only_compared(policy, provider):
    provider(routes={BARS: bars(bar(NINTH, "60.0"))})
    fetch()

    market_data.build(policy)

    row = QuarantinedRow.objects.get()
    assert (row.key, row.value, row.rule, row.source) == ("OAK", "52.1", "two_sources", "wood")


def test_a_refused_close_waits_in_quarantine_and_its_security_is_missing_till_then(policy, provider, tmp_path):
    provider(routes={BARS: bars(bar(NINTH, "52.1"), bar(TENTH, "-52.4"))})
    market_data.loaded(tmp_path / "archive", QUIET | folders.appended("fx.csv", "2020-01-10,EUR,USD,1.1091,central"))

    outcome = fetch()

    row = QuarantinedRow.objects.get()
    assert (row.kind, row.key, row.date, row.value, row.rule) == ("price", "OAK", TENTH, "-52.4", "refused")
    assert (row.first_seen, row.source, row.reason) == (RUN, "polygon", "c is not above zero")
    assert len(outcome.refused) == 1
    (waiting,) = market_data.build(policy, first=TENTH)
    assert closes_of(waiting) == []

    with role("app"):
        with pytest.raises(quarantine.NothingToAccept):
            quarantine.decide([row], decision=Decision.ACCEPTED, reason="why not", by=7)
        quarantine.decide([row], decision=Decision.REJECTED, reason="a sign too many", by=7)

    assert packs.restatable_days(policy) == [TENTH]
    (pack,) = market_data.build(policy, first=TENTH, run=UUID(int=2), restate_reason="decided")
    assert closes_of(pack) == [(Decimal("52.1"), NINTH, "wood", "")]


def test_a_refused_close_that_came_right_later_holds_nothing_up(policy, provider):
    provider(routes={BARS: bars(bar(TENTH, "-52.4"))})
    fetch()
    provider(routes={BARS: bars(bar(TENTH, "52.4"))})
    fetch()

    (pack,) = market_data.build(policy, first=TENTH)

    assert closes_of(pack)[0][:2] == (Decimal("52.4"), TENTH)


def test_a_row_whose_day_can_not_be_read_is_kept_by_the_day_of_the_fetch(policy, provider):
    provider(
        routes={
            DIVIDENDS: events({"ticker": "OAKX", "ex_dividend_date": "2020-02-30", "cash_amount": 1, "currency": "USD"})
        }
    )

    fetch()

    row = QuarantinedRow.objects.get()
    assert (row.kind, row.key, row.date) == ("action", "OAK/dividend", TENTH)
    assert row.reason == "ex_dividend_date is no date of the calendar, of the day '2020-02-30'"


def test_a_correction_replaces_the_providers_earlier_row_and_nothing_new_changes_nothing(policy, provider):
    provider(routes={BARS: bars(bar(TENTH, "52.4"))})
    first = fetch()
    again = fetch()
    count = MarketArchive.objects.count()
    provider(routes={BARS: bars(bar(TENTH, "52.5"))})
    corrected = fetch()

    assert [each.counts["prices.csv"].differ for each in (first, again, corrected)] == [1, 0, 1]
    assert (corrected.counts["prices.csv"].changed, MarketArchive.objects.count()) == (1, count + 1)
    assert loading.read_loaded().archive_end == TENTH


def test_a_split_that_is_no_longer_sent_is_withdrawn_and_another_sources_dividend_stays(policy, provider):
    split = {"ticker": "OAKX", "execution_date": "2020-01-08", "split_from": 3, "split_to": 4}
    paid = {"ticker": "OAKX", "ex_dividend_date": "2020-01-07", "cash_amount": 0.75, "currency": "USD"}
    provider(routes={SPLITS: events(split), DIVIDENDS: events(paid)})
    told = fetch(first=date(2020, 1, 7))
    ratio = next(row.ratio for row in loading.read_loaded().actions if row.source == "polygon")
    provider(routes={DIVIDENDS: events(paid)})
    again = fetch(first=date(2020, 1, 7))

    assert (told.counts["corporate_actions.csv"].added, told.counts["corporate_actions.csv"].kept) == (1, 1)
    assert ratio == Decimal("1.333333333333333333333333")
    assert again.counts["corporate_actions.csv"].gone == 1
    assert {(row.action, row.amount, row.source) for row in loading.read_loaded().actions} == {
        ("split", None, "derived:wood"), ("dividend", Decimal("0.25"), "derived:wood"),
    }  # fmt: skip


def test_a_dividend_is_known_from_its_announcement_and_two_of_a_day_are_one_sum(policy, provider):
    one = {
        "ticker": "OAKX", "ex_dividend_date": "2020-02-03", "pay_date": "2020-02-17", "declaration_date": "2020-01-08",
        "cash_amount": 0.3, "currency": "USD",
    }  # fmt: skip
    provider(routes={BARS: bars(bar(TENTH, "52.4")), DIVIDENDS: events(one, one | {"cash_amount": 0.05})})
    fetch()
    built = market_data.build(policy)

    known = {pack.asof_date: [row.ex_date for row in market.actions(pack)] for pack in built[-3:]}
    row = PackAction.objects.get(ex_date=date(2020, 2, 3))
    assert (row.amount, row.pay_date, row.announced) == (Decimal("0.35"), date(2020, 2, 17), EIGHTH)
    assert [date(2020, 2, 3) in known[day] for day in (EIGHTH, NINTH, TENTH)] == [True, True, True]
    assert date(2020, 2, 3) not in [row.ex_date for row in market.actions(built[-4])]


def test_dividends_of_a_day_in_two_currencies_are_refused_by_name(policy, provider):
    one = {"ticker": "OAKX", "ex_dividend_date": "2020-01-09", "cash_amount": 0.3, "currency": "USD"}
    provider(routes={DIVIDENDS: events(one, one | {"currency": "CAD"})})

    outcome = fetch()

    assert [row.rule for row in outcome.refused] == ["differs from another of the same day in more than its amount"] * 2
    assert QuarantinedRow.objects.get().key == "OAK/dividend"


def vintages(*rows):
    """As FRED answers: what was valid on any day of the window, each beginning no earlier than the window."""

    def answer(asked):
        begin, end = asked["realtime_start"], asked["realtime_end"]
        seen = []
        for day, value, known in rows:
            later = sorted(other for of, _, other in rows if of == day and other > known)
            until = str(date.fromisoformat(later[0]) - timedelta(days=1)) if later else "9999-12-31"
            if known <= end and until >= begin:
                seen.append({"date": day, "value": value, "realtime_start": max(known, begin), "realtime_end": until})
        return json.dumps({"count": len(seen), "observations": seen})

    return answer


TERMS = json.dumps(
    {
        "seriess": [
            {
                "id": "CPIAUCSL",
                "title": "Prices",
                "units": "Index",
                "frequency": "Monthly",
                "last_updated": "2020-01-10T07:36:02-06:00",
            }
        ]
    }
)
TAGS = json.dumps({"tags": [{"name": "public domain: citation requested", "group_id": "cc"}]})
FIRST_SAID = [("2019-11-01", "257.8", "2020-01-03"), ("2019-12-01", ".", "2020-01-07")]


def test_a_figure_enters_the_pack_of_the_day_it_was_published_and_a_point_is_missing(policy, provider):
    routes = {
        "/fred/series/observations": vintages(*FIRST_SAID, ("2019-11-01", "257.9", "2020-01-08")),
        "/fred/series/tags": TAGS,
        "/fred/series": TERMS,
    }
    provider(routes=routes)

    outcome = fetch("fred", only=["CPIAUCSL"])

    built = {pack.asof_date: pack for pack in market_data.build(policy)}
    known = {
        day: [
            (row.observation_date, row.value, row.known_at, row.flags) for row in market.observations(pack, "CPIAUCSL")
        ]
        for day, pack in built.items()
    }
    november = date(2019, 11, 1)
    assert known[date(2020, 1, 2)] == []
    assert known[date(2020, 1, 7)] == [(november, Decimal("257.8"), date(2020, 1, 3), "")]
    assert known[NINTH] == [(november, Decimal("257.9"), EIGHTH, "")]
    assert outcome.missing >= 1
    assert outcome.copyrights == {"CPIAUCSL": "public domain: citation requested"}
    assert not PackObservation.objects.filter(series="CPIAUCSL", observation_date=date(2019, 12, 1)).exists()


def test_a_later_fetch_adds_the_revision_alone(policy, provider):
    routes = {
        "/fred/series/observations": vintages(*FIRST_SAID),
        "/fred/series/tags": TAGS,
        "/fred/series": TERMS,
    }
    provider(routes=routes)
    fetch("fred", only=["CPIAUCSL"])
    provider(
        routes=routes | {"/fred/series/observations": vintages(*FIRST_SAID, ("2019-11-01", "257.9", "2020-01-09"))}
    )

    outcome = fetch("fred")

    assert (outcome.counts["macro.csv"].added, outcome.counts["macro.csv"].differ) == (1, 1)
    seen = loading.read_loaded()
    code = [row.id for row in seen.series].index("CPIAUCSL")
    rows = seen.observations.known_at[seen.observations.series == code].astype(str).tolist()
    assert rows == ["2020-01-03", "2020-01-09"]


def test_a_provider_without_a_key_is_off_and_asking_it_is_a_named_error(policy, provider, settings, server):
    settings.PROVIDER_KEYS["polygon"] = ""

    with pytest.raises(CommandError, match="polygon is off: POLYGON_API_KEY is not set") as refused:
        call_command("fetch_market_data", "polygon")

    assert (refused.value.returncode, server.asked) == (1, [])


def test_who_has_nothing_for_packs_is_not_asked(policy, provider):
    with pytest.raises(
        fetching.NotForPacks, match=f"newsapi has nothing that packs hold: ask {', '.join(fetching.FETCHED)}"
    ):
        fetch("newsapi")


def test_nobody_is_asked_for_nothing(policy, provider, server):
    with role("app"):
        SecurityAlias.objects.all().delete()

    with pytest.raises(fetching.NothingToFetch):
        fetch()

    assert server.asked == []


@pytest.mark.parametrize(
    "answer", [sent("", 500), sent("[]"), provider_server.HTML], ids=["500", "another shape", "html"]
)
def test_a_provider_that_fails_leaves_the_market_data_as_it_was(policy, provider, answer):
    before = loading.newest_archive()
    provider(routes={BARS: lambda asked: answer, SPLITS: lambda asked: answer, DIVIDENDS: lambda asked: answer})

    with pytest.raises(fetching.NothingFetched, match="polygon answered nothing: closes of OAK: polygon /v2/aggs"):
        fetch()

    assert loading.newest_archive() == before
    assert not intake.fetched_folders().exists()


def test_what_failed_for_one_is_told_and_the_rest_is_loaded(policy, provider, capsys):
    provider(routes={BARS: lambda asked: sent(bars(bar(TENTH, "52.4"))), SPLITS: lambda asked: sent("", 404)})

    with pytest.raises(
        CommandError, match=r"1 question without an answer, first splits of OAK: polygon .* refused with 404"
    ):
        call_command("fetch_market_data", "polygon", "--from", "2020-01-09", "--to", "2020-01-10", "--json")

    told = json.loads(capsys.readouterr().out)
    assert told["counts"]["prices.csv"]["added"] == 1
    assert loading.read_loaded().archive_end == TENTH


def test_what_a_provider_does_not_quote_as_we_do_is_not_asked_for(policy, provider, server):
    provider()

    with pytest.raises(fetching.NothingFetched, match="closes of ELM: polygon's are raw dollars, its own raw in GBp"):
        fetch(only=["ELM"])

    assert server.asked == []


def test_a_folder_that_can_not_be_loaded_is_taken_away_again(policy, provider, monkeypatch):
    before = loading.newest_archive()
    provider(routes={BARS: bars(bar(TENTH, "52.4"))})

    def refuse(folder):
        raise ArchiveRefused([FolderFault("prices.csv", 2, "close", "is empty")])

    monkeypatch.setattr(loading, "load", refuse)
    with pytest.raises(ArchiveRefused):
        fetch()

    assert loading.newest_archive() == before
    assert list(intake.fetched_folders().iterdir()) == []


def test_of_fetched_folders_two_are_kept(policy, provider):
    for close in ("52.1", "52.2", "52.3", "52.4"):
        provider(routes={BARS: bars(bar(TENTH, close))})
        fetch()

    assert sorted(path.name for path in intake.fetched_folders().iterdir()) == ["000003", "000004"]


def test_a_security_is_called_by_override_then_alias_then_its_own_symbol_and_never_by_anothers(policy):
    oak, elm, ash = (Security.objects.get(symbol=symbol) for symbol in ("OAK", "ELM", "ASH"))
    SecurityAlias.objects.update(valid_to=date(2020, 1, 6))
    SecurityAlias.objects.create(security=elm, provider="polygon", symbol="ASH", valid_from=date(2020, 1, 2))
    SymbolOverride.objects.create(
        security=oak, provider="polygon", symbol="TREE", valid_from=date(2020, 1, 8), reason="renamed"
    )

    called = symbols.symbol_spans(provider="polygon", securities=[oak, elm, ash], first=date(2020, 1, 3), last=TENTH)

    assert [(span.symbol, span.first.day, span.last.day) for span in called[oak.pk]] == [
        ("OAKX", 3, 6), ("OAK", 7, 7), ("TREE", 8, 10),
    ]  # fmt: skip
    assert [span.symbol for span in called[elm.pk]] == ["ASH"]
    assert [span.symbol for span in called[ash.pk]] == [None]
    for security in (oak, elm):
        for span in called[security.pk]:
            assert symbols.resolve(provider="polygon", symbol=span.symbol, asof_date=span.first) == security


@pytest.fixture
def fmp_key(policy, settings):
    settings.PROVIDER_KEYS["fmp"] = KEY
    SecurityAlias.objects.create(
        security=Security.objects.get(symbol="OAK"), provider="fmp", symbol="OAK.N", valid_from=date(2020, 1, 2)
    )


def test_splits_of_a_company_are_taken_under_our_own_symbol(provider, policy, fmp_key, server):
    split = {"date": "2020-01-09", "symbol": "OAK.N", "numerator": 4, "denominator": 3}
    provider(routes={FMP_SPLITS: json.dumps([split, split | {"date": "2019-01-09"}]), FMP_DIVIDENDS: "[]"})

    outcome = fetch("fmp")

    assert [(path, asked["symbol"]) for path, asked in server.asked] == [
        (FMP_SPLITS, "OAK.N"),
        (FMP_DIVIDENDS, "OAK.N"),
        (FMP_PROFILE, "OAK.N"),
    ]
    assert (outcome.failed, outcome.refused, outcome.counts.keys()) == ([], [], {"corporate_actions.csv"})
    (ours,) = (row for row in loading.read_loaded().actions if row.source == "fmp")
    assert (ours.symbol, ours.action, ours.ex_date) == ("OAK", "split", NINTH)
    assert ours.ratio == Decimal("1.333333333333333333333333")


def test_a_dividend_without_a_currency_is_refused_and_only_rejected_from_then_on(provider, policy, fmp_key):
    paid = {"date": "2020-01-09", "symbol": "OAK.N", "dividend": 0.26, "paymentDate": "2020-01-20"}
    provider(routes={FMP_SPLITS: "[]", FMP_DIVIDENDS: json.dumps([paid])})

    outcome = fetch("fmp")

    row = QuarantinedRow.objects.get()
    assert (row.kind, row.key, row.date, row.value, row.rule) == ("action", "OAK/dividend", NINTH, "0.26", "refused")
    assert row.reason == "amount its source does not say the currency"
    assert (row.source, len(outcome.refused)) == ("fmp", 1)
    assert not [each for each in loading.read_loaded().actions if each.source == "fmp"]


def test_what_a_plan_does_not_hold_is_told_and_the_rest_is_taken(provider, policy, fmp_key):
    split = {"date": "2020-01-09", "symbol": "OAK.N", "numerator": 2, "denominator": 1}
    provider(routes={FMP_SPLITS: json.dumps([split]), FMP_DIVIDENDS: lambda asked: sent("Premium Endpoint", 402)})

    outcome = fetch("fmp")

    assert [(each.key, each.what, each.reason) for each in outcome.failed] == [
        ("OAK", "dividends", "fmp /dividends: not_in_plan, refused with 402")
    ]
    assert [row.source for row in loading.read_loaded().actions if row.ex_date == NINTH] == ["fmp"]


# --- Tiingo


def test_a_day_of_tiingo_is_a_close_and_what_went_ex_on_it(provider, policy, settings, server):
    settings.PROVIDER_KEYS["tiingo"] = KEY
    SecurityAlias.objects.create(
        security=Security.objects.get(symbol="OAK"), provider="tiingo", symbol="OAK", valid_from=date(2020, 1, 2)
    )
    plain = {"date": "2020-01-09T00:00:00.000Z", "close": 26.05, "adjClose": 25.8, "divCash": 0.0, "splitFactor": 2.0}
    paid = {"date": "2020-01-10T00:00:00.000Z", "close": 26.20, "adjClose": 26.2, "divCash": 0.25, "splitFactor": 1.0}
    provider(routes={"/tiingo/daily/OAK/prices": json.dumps([plain, paid])})

    outcome = fetch("tiingo")

    own = [row for row in loading.read_loaded().actions if row.source == "tiingo"]
    assert [(row.action, row.ex_date, row.ratio, row.amount, row.currency) for row in own] == [
        ("split", NINTH, Decimal(2), None, "USD"), ("dividend", TENTH, None, Decimal("0.25"), "USD"),
    ]  # fmt: skip
    assert (outcome.failed, outcome.refused, outcome.counts["prices.csv"].added) == ([], [], 2)
    assert server.headers[0]["authorization"] == f"Token {KEY}"
    assert server.asked[0][1] == {"startDate": "2020-01-09", "endDate": "2020-01-10", "format": "json"}
