"""Who is told what a figure is made of, by the API and on the terminal, and what is refused."""

import contextlib
import io
import json
import random
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from config.errors import TieoutError
from execution import explanation
from execution.explanation import explaining
from execution.explanation.tests.figures import figures_of
from execution.tests import staging

VALUE = "/valued_positions/positions/0/market_value"


def get(world, execution_id, username="owner", **query):
    headers = {} if username is None else {"Authorization": f"Bearer {world.token(username)}"}
    return Client().get(f"/v1/executions/{execution_id}/explain", query, headers=headers)


@pytest.fixture
def execution_id(demo):
    return demo.ask().json()["execution_id"]


def test_a_figure_is_told_with_its_rows(demo, execution_id):
    answer = get(demo, execution_id, path=VALUE)

    told = answer.json()
    assert (answer.status_code, told["value"], told["unit"]) == (200, "305674.06", "CAD")
    assert told["formula"] == "round_money(quantity * price * rate)"
    quantity, price, rate = told["terms"]
    assert quantity["path"] == "/valued_positions/positions/0/quantity"
    assert (price["rows"][0]["close"], price["rows"][0]["observed_date"]) == ("430.47", "2013-03-01")
    assert [row["source"] for row in rate["rows"]] == ["ecb-eurofxref"] * 2
    assert told["metadata"]["pricing_pack_id"] == price["rows"][0]["pack_id"] == "PP_2013-03-01_ECB_EUR_r1"


def test_units_lead_to_the_transactions_of_a_commit(demo, execution_id):
    told = get(demo, execution_id, path="/valued_positions/positions/0/quantity").json()

    rows = [row for lot in told["terms"][0]["items"] for row in lot["rows"]]
    assert {row["transaction"] for row in rows} == {"buy"}
    assert {row["commit"] for row in rows} == {told["metadata"]["ledger_commit_hash"]}
    assert all(row["id"] and row["entry_id"] and row["date"] for row in rows)


@pytest.mark.parametrize("username", ["other", "staff"])
def test_what_is_not_yours_does_not_exist(demo, execution_id, username):
    theirs, none = get(demo, execution_id, username, path=VALUE), get(demo, UUID(int=1), path=VALUE)

    assert theirs.status_code == none.status_code == 404
    assert theirs.json()["type"] == none.json()["type"] == "execution-not-found"


def test_nobody_is_told_without_a_credential(demo, execution_id):
    assert get(demo, execution_id, None, path=VALUE).status_code == 401


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "/path"),
        ({"path": ""}, "/path"),
        ({"path": "valued_positions.total_value"}, "/path"),
        ({"path": "/"}, "/path"),
        ({"path": VALUE, "deep": "1"}, "/deep"),
        ({"path": [VALUE, VALUE]}, "/path"),
        ({"path": "/valued_positions/positions/0/symbol"}, "/path"),
        ({"path": "/valued_positions/positions"}, "/path"),
        ({"path": "/valued_positions"}, "/path"),
        ({"path": "/metrics/twr_1y/status"}, "/path"),
    ],
)
def test_a_path_that_names_no_figure_is_refused(demo, execution_id, query, pointer):
    answer = get(demo, execution_id, **query)

    assert answer.status_code == 400, answer.content
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/valued_positions/nothing", "/valued_positions/positions/99/price", "/gains/by_security/-1/total"],
)
def test_a_path_that_leads_nowhere_is_not_found(demo, execution_id, path):
    answer = get(demo, execution_id, path=path)

    assert (answer.status_code, answer.json()["type"]) == (404, "path-not-found")


BESIDE = (
    "abc",
    "-1",
    "9" * 5000,
    "٣",
    "days",
    "2013-03-01",
    "2013-02-30",
    "lookback",
    "value",
    "",
    "~1",
    "0",
    "rows",
    "AAPL",
)


@pytest.mark.parametrize("output", ["valued_positions", "historical_nav", "leading", "currency_attr", "months"])
def test_a_path_that_is_bent_is_refused_by_name_and_never_breaks(demo, execution_id, output):
    """Each name of a figure's path in turn is another, and each path goes on with another."""
    chosen, result = random.Random(output), demo.ask().json()["result"]
    figures = [path for path, _ in figures_of(result[output], f"/{output}")]
    days = [f"/{output}/days/2013-03-01/value", f"/{output}/lookback/days/2013-03-01/return"]

    for path in (*chosen.sample(figures, min(3, len(figures))), *days):
        names = path.split("/")[2:]
        place = chosen.randrange(len(names))
        for name in BESIDE:
            for bent in (
                [*names[:place], name, *names[place + 1 :]],
                [*names, name],
                [*names[:place], name, *names[place:]],
            ):
                pointer = "/".join(("", output, *bent))
                with contextlib.suppress(TieoutError):
                    explanation.explain(UUID(execution_id), pointer, user=demo.user("owner"))


def test_a_figure_that_nobody_can_explain_says_so_by_name(demo, execution_id, monkeypatch):
    monkeypatch.delitem(explaining.EXPLAINED, "portfolio.gains")

    answer = get(demo, execution_id, path="/gains/unrealised/total")

    assert (answer.status_code, answer.json()["type"]) == (404, "not-explained")
    assert "/gains/unrealised/total" in answer.json()["detail"]


def test_a_right_that_is_taken_back_ends_it_and_comes_back_with_it(private_demo):
    execution_id = private_demo.ask().json()["execution_id"]
    staging.decide_rights(private_demo, "ecb-eurofxref", "deny")

    denied = get(private_demo, execution_id, path="/valued_positions/positions/0/price")
    staging.decide_rights(private_demo, "ecb-eurofxref", "attribute")

    assert (denied.status_code, denied.json()["type"]) == (403, "right-denied")
    assert [each["provider"] for each in denied.json()["refusals"]] == ["ecb-eurofxref"]
    assert get(private_demo, execution_id, path="/valued_positions/positions/0/price").status_code == 200


def test_it_is_explained_by_the_ledger_and_the_settings_of_then(asked_demo):
    execution_id = asked_demo.ask().json()["execution_id"]
    before = get(asked_demo, execution_id, path="/gains/unrealised/total").json()
    staging.by_force(asked_demo, "UPDATE portfolio_portfolio SET booking_method = 'LIFO', accrual = 'accrual'")
    staging.amend_ledger(
        asked_demo,
        """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD                   10.00 CAD
  Equity:External                          -10.00 CAD
""",
    )

    assert get(asked_demo, execution_id, path="/gains/unrealised/total").json() == before


def test_the_terminal_tells_the_same(demo, execution_id):
    out, as_json = io.StringIO(), io.StringIO()

    with demo.role("job"):
        call_command("explain", execution_id, VALUE, stdout=out)
        call_command("explain", execution_id, VALUE, "--json", stdout=as_json)

    assert json.loads(as_json.getvalue()) == get(demo, execution_id, path=VALUE).json()
    assert out.getvalue().splitlines()[0] == "Value of a holding in the base currency: 305674.06 CAD"
    assert "EUR/CAD 1.3437 of 2013-03-01, ecb-eurofxref" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("explain", UUID(int=1), VALUE)
