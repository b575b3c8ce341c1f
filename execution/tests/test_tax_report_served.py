"""The year's report of the demo, beside its ledger's text and beside the overview's gains and the money bridge."""

import csv
import io
import json
import zipfile
from decimal import Decimal

import pytest
from django.test import Client, override_settings

D = Decimal
REPORT = "portfolio_tax_report"


def ask(demo, pattern=REPORT, **inputs):
    answer = demo.ask(pattern_id=pattern, inputs=inputs)
    assert answer.status_code == 200, answer.content
    return answer.json()["result"]


def cents(exact):
    return str(exact.quantize(D("0.01")))


def test_a_sale_is_what_the_ledger_says_of_its_lot_and_of_both_rates(demo):
    (lot,) = ask(demo, tax_year=2012)["realised"]["lots"]

    # T000042 bought 137 AAPL at 20.73 USD and 6.95 of fee, at 1.406482 CAD; the split of 2005 made 274 of them. T000336 sold 210
    # of these for 125,266.43 USD at 0.999538 CAD.
    cost = 210 * D("10.365") + D("6.95") * 210 / 274
    rate_in, rate_out, brought = D("1.406482"), D("0.999538"), D("125266.43")
    assert (lot["symbol"], lot["acquired"], lot["sold"], lot["quantity"]) == ("AAPL", "2003-08-01", "2012-11-01", "210")
    assert (lot["lot"], lot["entry_id"], lot["currency"]) == ("T000042", "T000336", "USD")
    assert (lot["cost_local"], lot["proceeds_local"]) == (cents(cost), cents(brought))
    assert (lot["cost"], lot["proceeds"]) == (cents(cost * rate_in), cents(brought * rate_out))
    assert lot["gain"] == cents(brought * rate_out - cost * rate_in)
    assert lot["price"] == cents((brought - cost) * rate_in)
    assert lot["fx"] == cents(cost * (rate_out - rate_in))
    assert lot["interaction"] == cents((brought - cost) * (rate_out - rate_in))


def test_the_years_are_the_gain_since_inception_and_the_bridge_stands_beside_that_of_its_own_days(demo):
    report = ask(demo, tax_year=2012)
    since = ask(demo, "portfolio_overview")["gains"]["since_inception"]
    bridge = ask(demo, "money_bridge", from_date="2012-01-01", to_date="2012-12-31")["bridge"]

    years = report["realised"]["years"]
    assert abs(sum(D(each["gain"]) for each in years) - D(since["realised"]["total"])) <= D("0.01") * len(years)
    assert report["bridge"] == bridge
    assert report["income"]["whole"]["gross"] == bridge["income"]
    assert D(report["income"]["whole"]["withheld"]) == -D(bridge["taxes"])
    # 210 AAPL from 405.00, the close of 2011-12-30, at 1.3215 / 1.2939, the fixings of that day.
    assert bridge["realised_price"] == cents((D("125273.379") - 210 * D("405.00")) * D("1.3215") / D("1.2939"))


def test_income_of_a_year_is_that_of_the_income_page(demo):
    income = ask(demo, tax_year=2011)["income"]
    years = {each["label"]: each for each in ask(demo, "income")["income"]["years"]}

    assert income["whole"] == years["2011"]
    assert len(income["months"]) == 12
    assert abs(sum(D(each["net"]) for each in income["months"]) - D(income["whole"]["net"])) <= D("0.06")


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"tax_year": 2014}, "/inputs/tax_year"),
        ({"tax_year": 1899}, "/inputs/tax_year"),
        ({"tax_year": "2012"}, "/inputs/tax_year"),
        ({"begins": "02-30"}, "/inputs/begins"),
    ],
)
def test_a_year_that_there_is_not_is_the_callers_mistake(demo, inputs, pointer):
    answer = demo.ask(pattern_id=REPORT, inputs=inputs)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


def test_the_page_stands_below_income_and_says_that_it_is_no_advice(demo):
    income = demo.client("owner").get("/portfolios/public/income/?asof=2013-02-01&range=3y").content.decode()
    page = demo.client("owner").get(f"/portfolios/public/{REPORT}/?asof=2013-02-01&range=3y&tax_year=2012")

    text = page.content.decode()
    assert f'href="/portfolios/public/{REPORT}/?asof=2013-02-01&amp;range=3y">Realised</a>' in income
    assert page.status_code == 200
    assert "no advice" in text
    assert "122,139.65" in text
    assert "draw a" not in text
    assert f'{REPORT}/?asof=2013-02-01&amp;range=3y&amp;tax_year=2011">2011</a>' in text
    assert f'{REPORT}/?asof=2013-02-01&amp;range=3y&amp;tax_year=2012" aria-current="true">2012</a>' in text


@pytest.mark.parametrize("code", ["csv", "xlsx", "pdf"])
def test_the_lots_leave_as_a_file(asked_demo, tmp_path, code):
    demo = asked_demo
    headers = {"Authorization": f"Bearer {demo.token('owner')}"}
    with override_settings(EXPORT_PATH=tmp_path / "exports"):
        asked = demo.ask(pattern_id=REPORT, inputs={"tax_year": 2012}).json()["execution_id"]
        ordered = Client().post(
            "/v1/exports",
            json.dumps({"execution_id": asked, "format": code}),
            content_type="application/json",
            headers=headers,
        )
        assert ordered.status_code == 201, ordered.content
        answer = Client().get(ordered.json()["file"], headers=headers)
        whole = b"".join(answer.streaming_content)
        answer.close()

    assert answer.status_code == 200
    assert whole.startswith(b"%PDF" if code == "pdf" else b"PK")
    if code == "csv":
        with zipfile.ZipFile(io.BytesIO(whole)) as archive:
            (name,) = [each for each in archive.namelist() if "lots_1" in each]
            rows = list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"))))
        assert any("AAPL" in row and "122139.65" in row for row in rows)
