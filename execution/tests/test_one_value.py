"""One value per portfolio, date and revision: after imports and undos at random, every door is asked, and all agree."""

import io
import json
import random
import re
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from execution.operations import intake
from execution.patterns import publishing
from execution.tests import staging
from execution.web.pages import summary_rows
from portfolio import books
from portfolio.models import DailyValue, LedgerRevision, Portfolio
from portfolio.valuation import quantise
from tests import small
from tests.plugin import log_in
from tests.small import WEEK

pytestmark = pytest.mark.usefixtures("read_once")

SEEDS = range(4)
STEPS = 6
CENT = Decimal("0.01")


@pytest.fixture
def world(after_night):
    with after_night.role("job"):
        for document in publishing.read_library().values():
            publishing.publish(document)
        (user,) = [small.portfolio().owner]
        user.is_staff = user.is_superuser = True
        user.save()
    return after_night


def money(text):
    return Decimal(re.sub(r"[^0-9.\-]", "", text.replace("\N{MINUS SIGN}", "-")))


def doors(world, slug="small"):
    """Door -> (date, revision where it says, value to the cent or None where it says that there is none)."""
    with world.role("job"):
        portfolio = Portfolio.objects.select_related("owner").get(slug=slug)
        usable = books.newest_reconciled(portfolio)
    client = Client()
    log_in(client, portfolio.owner)
    found = {}

    listed = client.get("/").content.decode()
    row = re.search(rf'<th scope="row"><a href="/portfolios/{slug}/.*?</tr>', listed, re.DOTALL)[0]
    value = re.search(r'data-label="Value"><a class="fig[^>]*>([^<]+)</a>\s*<span class="unit">CAD</span>', row)
    assert bool(value) == ('data-label="Value"' in row), row
    day = re.search(r'As of <time datetime="([0-9-]+)"', listed)
    found["list"] = (day[1], money(value[1])) if value else None

    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(portfolio.pk)}
    answer = client.post("/v1/execute", json.dumps(body), content_type="application/json")
    if answer.status_code == 200:
        told = answer.json()
        assert told["metadata"]["ledger_commit_hash"] == usable.commit
        asof, total = told["metadata"]["asof_date"], told["result"]["valued_positions"]["total_value"]
        found["api"] = (asof, Decimal(total))
    else:
        found["api"] = None

    page = client.get(f"/portfolios/{slug}/portfolio_overview/")
    assert page.status_code == answer.status_code
    if page.status_code == 200:
        text = page.content.decode()
        shown = re.search(r'<span class="unit">Value</span> <strong><a [^>]*>([^<]+)<', text)[1]
        found["overview"] = (re.search(r'as of <time datetime="([0-9-]+)"', text)[1], money(shown))
    else:
        found["overview"] = None

    out = io.StringIO()
    with world.role("job"):
        try:
            call_command("execute", "portfolio_overview", "--portfolio", slug, "--json", stdout=out)
            told = json.loads(out.getvalue())
            total = told["result"]["valued_positions"]["total_value"]
            found["terminal"] = (told["metadata"]["asof_date"], Decimal(total))
        except CommandError:
            found["terminal"] = None

    told = client.get(f"/v1/portfolios/{portfolio.pk}/reconciliations?limit=1").json()["reconciliations"]
    of_revision = [each for each in told if usable and each["revision"] == usable.number and each["status"] == "pass"]
    found["reconciliation"] = (
        (of_revision[0]["asof_date"], quantise(Decimal(of_revision[0]["database_value"]), "CAD"))
        if of_revision
        else None
    )
    return found


def deal(chance, held):
    day = chance.choice(WEEK)
    kinds = ["deposit", "deposit", "buy", "withdrawal", "interest"] + (["sell"] if held else [])
    kind = chance.choice(kinds)
    number = chance.randint(1, 90)
    if kind == "buy":
        return f"{day},buy,{chance.choice(['OAK', 'ELM'])},{chance.randint(1, 4)},{number},,USD"
    if kind == "sell":
        return f"{WEEK[-1]},sell,OAK,1,{number},,USD"
    currency = chance.choice(["CAD", "USD", "EUR"])
    return f"{day},{kind},,,,{number}.{chance.randint(10, 99)},{currency}"


@pytest.mark.parametrize("seed", SEEDS)
def test_after_imports_and_undos_at_random_all_doors_agree(world, seed):
    chance = random.Random(seed)
    with world.role("job"):
        portfolio = small.portfolio()
    client = Client()
    log_in(client, portfolio.owner)
    address = f"/v1/portfolios/{portfolio.pk}/imports"
    done = []
    for step in range(STEPS):
        if done and chance.random() < 0.35:
            undone = done.pop(chance.randrange(len(done)))
            assert client.delete(f"{address}/{undone}").status_code in (200, 400)
        else:
            rows = [deal(chance, held=True) for _ in range(chance.randint(1, 3))]
            text = "\n".join(["date,type,symbol,quantity,unit_price,amount,currency", *rows]) + "\n"
            answer = client.post(address, {"file": SimpleUploadedFile(f"{step}.csv", text.encode())})
            assert answer.status_code in (200, 201, 400), answer.content
            if answer.status_code == 201:
                done.append(answer.json()["import_id"])

        found = doors(world)

        values = {value for value in found.values() if value is not None}
        assert len(values) == 1, (seed, step, found)
        assert {found[door] for door in ("list", "api", "overview", "terminal")} == values, (seed, step, found)


def test_stored_daily_values_of_a_revision_are_what_the_doors_say_of_it(world, tmp_path):
    with world.role("job"):
        intake.import_transactions(write(tmp_path, "2020-01-08,deposit,,,,100,EUR"), slug="small")
    early = doors(world)
    with world.role("job"):
        small.night(small.policy(), first=WEEK[-1], restates="the new entries")
    late = doors(world)

    with world.role("job"):
        revision = books.newest_reconciled(small.portfolio())
        stored = DailyValue.objects.filter(revision=revision).order_by("-date", "-pack__sequence").first()
    assert set(early.values()) == set(late.values())
    assert (stored.date.isoformat(), quantise(stored.value, "CAD")) == late["api"]


def write(folder, *rows):
    path = folder / "entries.csv"
    path.write_text("\n".join(["date,type,symbol,quantity,unit_price,amount,currency", *rows]) + "\n")
    return path


# --- the list says what is so


def listed(portfolio):
    client = Client()
    log_in(client, portfolio.owner)
    return client.get("/").content.decode()


@pytest.mark.parametrize(
    ("spoil", "words", "page"),
    [
        (
            "UPDATE portfolio_ledgerrevision SET status = 'broken', reason = 'x'",
            summary_rows.BOOKS_DIFFER,
            "reconciliation",
        ),
        ("UPDATE portfolio_ledgerrevision SET status = 'read'", summary_rows.NOT_COMPARED, "reconciliation"),
        ("UPDATE portfolio_reconciliation SET status = 'fail'", summary_rows.BOOKS_DIFFER, "reconciliation"),
        ("UPDATE pricing_pricingpack SET status = 'warming'", summary_rows.WARMING, "portfolio_overview"),
        (
            "DELETE FROM pricing_packprice WHERE security_id = (SELECT id FROM pricing_security WHERE symbol = 'OAK')",
            "The pricing pack has changed since it was sealed",
            "portfolio_overview",
        ),
    ],
)
def test_where_there_is_no_value_the_list_says_why(world, spoil, words, page):
    staging.by_force(world, spoil)
    with world.role("job"):
        portfolio = small.portfolio()

    shown = listed(portfolio)

    assert words.lower() in shown.lower()
    assert f'href="/portfolios/small/{page}' in shown
    assert 'data-label="Value"' not in shown


def test_a_portfolio_of_cash_alone_and_one_without_a_ledger_are_on_the_list(world, tmp_path):
    with world.role("job"):
        portfolio = small.portfolio()
        anna = portfolio.owner
        none = Portfolio.objects.create(
            slug="none", name="None yet", owner=anna, base_currency="CAD", policy=small.policy()
        )
        path = write(tmp_path, "2020-01-09,deposit,,,,2500,CAD")
        intake.import_transactions(path, slug="cash", owner="anna", base_currency="CAD")

    shown = listed(portfolio)

    assert "2,500.00" in shown
    assert summary_rows.NOTHING_BOOKED.capitalize() in shown
    assert '<a href="/portfolios/none/imports/"><bdi>None yet</bdi></a>' in shown
    assert doors(world, "cash")["api"] == ("2020-01-10", Decimal("2500.00"))
    client = Client()
    log_in(client, anna)
    for slug in ("none", "cash"):
        page = client.get(f"/portfolios/{slug}/holding_deep_dive/")
        for link in re.findall(rf'href="(/portfolios/{slug}/[^"]*)"', page.content.decode()):
            assert client.get(link).status_code == 200, link
    assert "Nothing is booked yet" in client.get("/portfolios/none/portfolio_overview/").content.decode()
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(none.pk)}
    refused = client.post("/v1/execute", json.dumps(body), content_type="application/json")
    assert (refused.status_code, refused.json()["detail"]) == (503, "nothing is booked in this portfolio yet")


def test_entries_whose_books_differ_are_said_beside_the_value_without_them(world):
    with world.role("job"):
        portfolio = small.portfolio()
        first = LedgerRevision.objects.get(portfolio=portfolio)
        LedgerRevision.objects.create(
            portfolio=portfolio, number=2, commit=first.commit, tree_hash="0" * 40, status="broken", reason="differs"
        )
    before = doors(world)

    shown = listed(portfolio)

    assert "newest revision 2 is broken; this is revision 1" in shown
    assert before["list"] == before["api"]
