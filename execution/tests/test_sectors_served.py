"""Sectors of what is held, and what else is of a sector: by API, as a page and on the command line."""

import re
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from execution import executor
from execution.patterns import publishing
from execution.patterns.templating import Scope
from execution.tests.test_macro_odd_lives import CASH_ALONE
from execution.tests.test_rights_served import WITHHELD
from execution.web.pages import panels
from pricing import market, packs
from pricing.classifications import Kind
from pricing.models import PricingPolicy, Security
from tests import small


def ask(world, pattern, **inputs):
    answer = world.ask("owner", portfolio_id=str(world.public_id), pattern_id=pattern, inputs=inputs)
    assert answer.status_code == 200, answer.content
    return answer.json()["result"]


def test_the_value_of_the_demo_is_spread_over_its_sectors(demo):
    result = ask(demo, "portfolio_sectors")

    sectors = {each["name"]: each for each in result["allocation"]["sectors"]}
    assert list(sectors) == ["Information Technology", "Communication Services", "Cash"]
    assert sectors["Information Technology"]["symbols"] == "AAPL, IBM, MSFT"
    assert sum(Decimal(each["value"]) for each in sectors.values()) == Decimal("756411.71")
    assert sum(each["weight"] for each in sectors.values()) == pytest.approx(1.0)
    known = result["allocation"]["sector_known"]
    assert (known["value"], known["status"], known["reason"]) == (1.0, "degraded", "assumed_release_date")
    assert result["allocation"]["region_known"]["reason"] == "no_classification"
    assert [each["name"] for each in result["allocation"]["regions"]] == ["Unclassified", "Cash"]


def test_others_of_a_sector_stand_beside_a_holding(demo):
    with demo.role("job"):
        number = Security.objects.get(symbol="AAPL").pk
    result = ask(demo, "holding_deep_dive", security_id=number)

    assert (result["comparables"]["sector"], result["comparables"]["status"]) == ("Information Technology", "degraded")
    rows = result["comparables"]["rows"]
    assert [each["symbol"] for each in rows] == ["AAPL", "IBM", "MSFT"]
    assert rows[0]["total_return"]["value"] == pytest.approx(result["position_perf"]["local_return"]["value"], abs=5e-3)
    assert all(each["weight"] > 0 and each["volatility"]["value"] > 0 for each in rows)
    assert result["fundamentals"]["classification"]["asset_class"] == "equity"


def test_a_security_that_is_alone_in_its_sector_says_so(demo):
    with demo.role("job"):
        number = Security.objects.get(symbol="GOOG").pk
    found = ask(demo, "holding_deep_dive", security_id=number)["comparables"]

    assert (found["sector"], found["status"], found["reason"]) == ("Communication Services", "unavailable", "no_peer")


def test_the_pages_say_it_too(demo):
    client = demo.client("owner")

    page = client.get("/portfolios/public/portfolio_sectors/").content.decode()
    holding = client.get("/portfolios/public/holdings/GOOG/").content.decode()

    assert all(word in page for word in ("Information Technology", "Communication Services", "manage.py classify"))
    assert "the packs say of no other security that it is of the same sector" in holding


def test_the_overview_has_the_sectors_as_tiles_with_a_table_behind(demo):
    whole = ask(demo, "portfolio_sectors")["allocation"]

    page = demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()
    tree = page[page.index('aria-label="Sectors: areas') :]
    tiles = re.findall(r"<title>([^<]+)</title><rect", tree[: tree.index("</details>")])

    assert ask(demo, "portfolio_overview")["allocation"] == whole
    shares = {each["name"]: f"{100 * each['weight']:.2f}" for each in whole["sectors"]}
    assert tiles == [f"{name} {share}\N{NO-BREAK SPACE}%" for name, share in shares.items()]
    table = tree[tree.index("<tbody>") : tree.index("</tbody>")]
    assert all(f'<th scope="row">{name}</th>' in table and f">{share}" in table for name, share in shares.items())
    assert "/allocation/sectors/0/weight" in table
    assert "/allocation/sector_known" in tree
    assert "With a sector is degraded: the day on which a series was published is assumed" in tree


@pytest.mark.parametrize(
    ("ledger", "reason"),
    [(small.LEDGER, "manage.py classify"), (CASH_ALONE, "nothing is held but cash")],
    ids=["one holding", "cash"],
)
@pytest.mark.role("job")
def test_without_a_sector_the_overview_says_why_and_how_one_gets_in(empty, tmp_path, ledger, reason):
    document = publishing.read_library()["portfolio_overview.json"]
    publishing.publish(document)
    small.night(small.begin(tmp_path, ledger))
    request = executor.Request("portfolio_overview", {}, portfolio_id=small.portfolio().pk)

    result = executor.execute(request, user=small.portfolio().owner).result
    (panel,) = (each for each in document["panels"] if each["id"] == "allocation")
    page = panels.panel(panel, Scope({}, result, {"base_currency": "CAD"}))

    assert "With a sector is unavailable: " in page
    assert reason in page
    assert ("Unclassified" in page) == (ledger == small.LEDGER)


def test_sectors_of_a_source_that_nobody_registered_are_withheld_alone(private_demo, settings, tmp_path):
    settings.VAR = tmp_path
    with private_demo.role("job"):
        call_command("classify", "IBM", "--sector=Energy", "--known-at=2013-03-01")
        call_command("nightly", "--policy=ECB_EUR", "--date=2013-03-01", "--restate=classified")

    result = ask(private_demo, "portfolio_overview")
    page = private_demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()

    withheld = [name for name, value in result.items() if value == WITHHELD]
    assert withheld == ["allocation"]
    assert "Energy" not in page
    assert "Unavailable: the terms of a data provider do not allow to show it." in page
    assert 'aria-label="Currencies: areas' in page
    with private_demo.role("job"):
        call_command("load_rights")
    assert "Energy" in private_demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()


def test_the_command_says_what_a_security_is(private_demo, settings, tmp_path, capsys):
    settings.VAR = tmp_path
    with private_demo.role("job"):
        call_command("classify", "IBM", "--region=us", "--isin=US4592001014", "--known-at=2013-03-01")
        said = capsys.readouterr().out
        call_command("classify", "IBM", "--region=US", "--known-at=2013-03-01")
        again = capsys.readouterr().out
        for wrong in (["--sector=Tech"], ["--isin=US4592001015"], ["--region=US", "--known-at=2999-01-01"], []):
            with pytest.raises(CommandError) as refused:
                call_command("classify", "IBM", *wrong)
            assert refused.value.returncode == 2
        call_command("nightly", "--policy=ECB_EUR", "--date=2013-03-01", "--restate=classified")
        pack = packs.require_sealed(pack=packs.resolve(policy=PricingPolicy.objects.get()))
        found = market.classifications(pack, ["IBM"])["IBM"]

    assert said.startswith("IBM: region, isin known from 2013-03-01 on")
    assert again == "IBM: the market data say that already\n"
    assert {kind: found[kind].text for kind in (Kind.REGION, Kind.ISIN, Kind.SECTOR)} == {
        Kind.REGION: "US", Kind.ISIN: "US4592001014", Kind.SECTOR: "Information Technology",
    }  # fmt: skip
