"""One holding at its symbol: what is held, its lots and its entries, as the books have them."""

import json
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from execution.patterns.templating import Scope
from execution.web.pages import panels
from portfolio import books
from portfolio.models import Lot, Portfolio, Transaction

PATTERN = json.loads((Path(settings.BASE_DIR) / "execution/library/holding_deep_dive.json").read_text())
PAGE = "/portfolios/public/holdings/IBM/"


def test_a_holding_has_a_page_at_its_symbol_on_the_day_that_is_asked_for(demo):
    client = demo.client("owner")

    now, then = client.get(PAGE), client.get(PAGE, {"asof": "2010-06-30"})

    page = now.content.decode()
    assert now.status_code == then.status_code == 200
    assert "179,949.11" in page
    assert "International Business Machines Corp." in page
    assert 'aria-current="page">Holdings</a>' in page
    assert "2010-06-30" in then.content.decode()
    assert "179,949.11" not in then.content.decode()


def test_its_lots_and_entries_are_those_of_the_books(demo):
    with demo.role("job"):
        portfolio = Portfolio.objects.get(slug="public")
        revision = books.newest_reconciled(portfolio)
        entries = books.rows_of_revisions(Transaction.objects.filter(security__symbol="IBM"), [revision]).count()
        lots = books.rows_of_revisions(Lot.objects.filter(security__symbol="IBM", valid_to=None), [revision])
        quantities = sorted(lots.values_list("quantity", flat=True))
        number = lots[0].security_id
    body = {"pattern_id": "holding_deep_dive", "portfolio_id": str(demo.public_id), "inputs": {"security_id": number}}

    holding = demo.post("owner", body).json()["result"]["holding"]

    assert len(holding["entries"]) == entries
    assert sorted(Decimal(each["quantity"]) for each in holding["lots"]) == quantities
    assert Decimal(holding["quantity"]) == sum(quantities) == 858
    assert holding["closes"][-1] == 202.91
    assert len(holding["dates"]) == len(holding["closes"])


def test_what_its_company_reported_has_the_day_since_which_it_is_known(demo):
    figure = {
        "concept": "revenue", "frequency": "Q", "period_end": "2012-12-31", "value": "29304000000", "unit": "USD",
        "known_at": "2013-02-26", "source": "edgar",
    }  # fmt: skip
    document = next(each for each in PATTERN["panels"] if each["id"] == "fundamentals")
    scope = Scope(
        inputs={}, state={"fundamentals": {"reported": {"status": "ok", "reason": None, "figures": [figure]}}}, ctx={}
    )

    drawn = panels.panel(document, scope)

    assert all(each in drawn for each in ("revenue", "29,304,000,000", "2012-12-31", "2013-02-26"))
    page = demo.client("owner").get(PAGE).content.decode()
    assert "the packs hold nothing that the company reported by this day" in page


def test_what_is_not_held_or_does_not_exist_is_not_there(demo):
    client = demo.client("owner")

    assert client.get("/portfolios/public/holdings/NONE/").status_code == 404
    assert demo.client("other").get(PAGE).status_code == 404
    assert demo.client("other").get("/portfolios/second/holdings/GOOG/").status_code == 404
