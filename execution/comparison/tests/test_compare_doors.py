"""Who may compare what, by the API and on the terminal, and what is refused."""

import io
import json
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from execution.executor import planning, running
from execution.tests import staging

DEPOSIT = """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD                   10.00 CAD
  Equity:External                          -10.00 CAD
"""


def post(world, document, username="owner"):
    headers = {} if username is None else {"Authorization": f"Bearer {world.token(username)}"}
    text = document if isinstance(document, str) else json.dumps(document)
    return Client().post("/v1/compare", text, content_type="application/json", headers=headers)


def ask(world, **fields):
    answer = world.ask(**fields)
    assert answer.status_code == 200, answer.content
    return answer.json()["execution_id"]


def test_an_execution_is_the_same_as_itself(demo):
    one = ask(demo)

    told = post(demo, {"before": one, "after": one}).json()

    assert (told["same"], told["count"], told["moved"], told["differences"]) == (True, 0, [], [])


def test_another_day_differs_in_its_date_and_in_no_row_that_both_see(demo):
    before, after = ask(demo, asof_date="2013-02-28"), ask(demo)

    told = post(demo, {"before": before, "after": after, "limit": 1000}).json()

    assert [(each["kind"], each["name"]) for each in told["moved"]] == [("input", "asof_date")]
    values = {each["path"]: (each["before"], each["after"]) for each in told["differences"]}
    assert values["/gains/asof_date"] == ("2013-02-28", "2013-03-01")
    assert told["before"]["pricing_pack_id"], told["after"]["pricing_pack_id"] == (
        "PP_2013-02-28_ECB_EUR_r1",
        "PP_2013-03-01_ECB_EUR_r1",
    )


def test_a_transaction_and_a_setting_each_move_their_own(asked_demo):
    before = ask(asked_demo)
    revision = staging.amend_ledger(asked_demo, DEPOSIT)
    staging.by_force(asked_demo, "UPDATE portfolio_portfolio SET flow_timing = 'end'")
    after = ask(asked_demo)

    told = post(asked_demo, {"before": before, "after": after, "limit": 1000}).json()

    assert [(each["kind"], each["name"]) for each in told["moved"]] == [
        ("transaction", "T999999"),
        ("setting", "flow_timing"),
    ]
    assert told["moved"][0]["commit"] == revision.commit
    assert (told["moved"][0]["before"], told["moved"][0]["after"]["amount"]) == (None, "10")
    moved = {each["path"]: each["moved_by"] for each in told["differences"]}
    assert moved["/bridges/last_day/contributions"] == ["transaction"]
    assert moved["/contribution/lookback/flow_timing"] == ["setting"]


def test_another_engine_is_named_and_moves_nothing_where_the_figures_are_the_same(asked_demo, monkeypatch):
    before = ask(asked_demo)
    for module in (planning, running):
        monkeypatch.setattr(module, "engine_version", lambda: "0.0.9+other")
    after = ask(asked_demo)

    told = post(asked_demo, {"before": before, "after": after}).json()

    assert before != after
    assert [(each["kind"], each["after"]) for each in told["moved"]] == [("engine", "0.0.9+other")]
    assert (told["same"], told["differences"]) == (True, [])


def test_one_question_under_two_commits(asked_demo):
    first = asked_demo.ask().json()["metadata"]["ledger_commit_hash"]
    second = staging.amend_ledger(asked_demo, DEPOSIT).commit
    question = {"pattern_id": "money_bridge", "portfolio_id": str(asked_demo.public_id)}

    told = post(asked_demo, {"question": question, "ledger_commits": [first, second]}).json()

    assert {each["path"]: (each["before"], each["after"]) for each in told["differences"]} == {
        "/bridge/closing_value": ("756411.71", "756421.71"),
        "/bridge/contributions": ("148400.00", "148410.00"),
    }
    assert [(each["kind"], each["name"]) for each in told["moved"]] == [("transaction", "T999999")]


def test_one_question_under_two_packs(demo):
    question = {"pattern_id": "money_bridge", "portfolio_id": str(demo.public_id)}
    packs = ["PP_2013-02-28_ECB_EUR_r1", "PP_2013-03-01_ECB_EUR_r1"]

    told = post(demo, {"question": question, "pricing_pack_ids": packs}).json()

    assert [told[side]["pricing_pack_id"] for side in ("before", "after")] == packs
    assert told["count"] > 0


def test_pages_of_differences(demo):
    before, after = ask(demo, asof_date="2013-02-28"), ask(demo)

    pages = [post(demo, {"before": before, "after": after, "offset": offset, "limit": 3}).json() for offset in (0, 3)]

    assert [len(each["differences"]) for each in pages] == [3, 3]
    assert pages[0]["differences"] != pages[1]["differences"]
    assert pages[0]["count"] == pages[1]["count"] > 6


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({}, "/before"),
        ({"before": str(UUID(int=1))}, "/before"),
        ({"before": "x", "after": str(UUID(int=1))}, "/before"),
        ({"before": str(UUID(int=1)), "after": str(UUID(int=1)), "deep": True}, "/deep"),
        ({"before": str(UUID(int=1)), "after": str(UUID(int=1)), "limit": 0}, "/limit"),
        ({"question": {"pattern_id": "money_bridge"}}, "/before"),
        ({"question": {"pattern_id": "money_bridge"}, "ledger_commits": ["a" * 40]}, "/ledger_commits"),
        (
            {"question": {"pattern_id": "x", "ledger_commit": "a" * 40}, "ledger_commits": ["a" * 40] * 2},
            "/question/ledger_commit",
        ),
        ({"question": {}, "ledger_commits": ["a" * 40] * 2}, "/question/pattern_id"),
    ],
)
def test_what_is_no_comparison_is_refused(demo, document, pointer):
    answer = post(demo, document)

    assert (answer.status_code, answer.json()["type"]) == (400, "invalid-request"), answer.content
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_two_patterns_or_portfolios_can_not_be_compared(demo):
    staff = demo.user("staff")
    overview, bridge = ask(demo), ask(demo, pattern_id="money_bridge")

    answer = post(demo, {"before": overview, "after": bridge})

    assert staff
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/after")
    assert "money_bridge" in answer.json()["detail"]


def test_another_portfolio_is_another_question(private_demo):
    staging.grant(private_demo, "staff", private_demo.public_id)
    staging.grant(private_demo, "staff", private_demo.second_id)
    asked = [
        {"username": "staff", "portfolio_id": str(each)} for each in (private_demo.public_id, private_demo.second_id)
    ]
    one, other = (ask(private_demo, **each) for each in asked)

    answer = post(private_demo, {"before": one, "after": other}, "staff")

    assert (answer.status_code, answer.json()["errors"][0]["reason"]) == (400, "is of another portfolio")


def test_what_is_not_yours_does_not_exist(demo):
    mine = ask(demo)
    theirs = ask(demo, username="other", portfolio_id=str(demo.second_id))

    for pair in (
        {"before": mine, "after": theirs},
        {"before": theirs, "after": mine},
        {"before": mine, "after": str(UUID(int=1))},
    ):
        answer = post(demo, pair)
        assert (answer.status_code, answer.json()["type"]) == (404, "execution-not-found")
    assert post(demo, {"before": mine, "after": mine}, None).status_code == 401


def test_what_may_not_be_shown_is_not_compared(private_demo):
    before, after = ask(private_demo, asof_date="2013-02-28"), ask(private_demo)
    staging.decide_rights(private_demo, "bokeh-wiki", "deny")

    told = post(private_demo, {"before": before, "after": after}).json()

    assert "valued_positions" in told["withheld"]
    assert (told["same"], told["differences"]) == (False, [])


def test_the_terminal_tells_the_same(demo):
    before, after = ask(demo, asof_date="2013-02-28"), ask(demo)
    out, as_json = io.StringIO(), io.StringIO()

    with demo.role("job"):
        call_command("compare", before, after, stdout=out)
        call_command("compare", before, after, "--json", stdout=as_json)
        with pytest.raises(CommandError):
            call_command("compare", before, UUID(int=1))

    told = post(demo, {"before": before, "after": after, "limit": 1000}).json()
    assert json.loads(as_json.getvalue())["moved"] == told["moved"]
    assert "input asof_date: 2013-02-28 -> 2013-03-01" in out.getvalue()
