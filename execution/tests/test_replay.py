"""A stored execution computed again, and the commands that execute and replay."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from execution import executor
from execution.executor import DifferentEngine, ExecutionNotFound, NotReproduced
from execution.executor.engine import engine_version
from execution.tests import staging


def replay(world, execution_id, username="owner"):
    return executor.replay(execution_id, user=world.user(username))


def run(*words):
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_the_same_engine_gives_the_same_bytes(demo):
    given = demo.ask(asof_date="2012-12-31").json()

    again = replay(demo, given["execution_id"])

    assert again.metadata["result_hash"] == given["metadata"]["result_hash"]
    assert json.loads(again.result_text) == given["result"]


def test_it_is_computed_as_the_portfolio_was_then(asked_demo):
    given = asked_demo.ask().json()
    staging.by_force(asked_demo, "UPDATE portfolio_portfolio SET booking_method = 'LIFO', flow_timing = 'end'")

    again = replay(asked_demo, given["execution_id"])

    assert again.metadata["result_hash"] == given["metadata"]["result_hash"]


def test_it_is_computed_on_the_ledger_of_then(asked_demo):
    given = asked_demo.ask().json()
    staging.amend_ledger(
        asked_demo,
        """
2013-03-01 * "Deposit" "External transfer"
  id: "T999999"
  Assets:Broker:Cash:CAD                   10.00 CAD
  Equity:External                          -10.00 CAD
""",
    )

    again = replay(asked_demo, given["execution_id"])

    assert again.metadata["result_hash"] == given["metadata"]["result_hash"]


def test_another_engine_with_the_same_result_is_told_without_a_path(asked_demo):
    given = asked_demo.ask().json()
    staging.by_force(asked_demo, "UPDATE execution_execution SET engine_version = '0.0.9+old'")

    with pytest.raises(DifferentEngine) as other:
        replay(asked_demo, given["execution_id"])

    assert (other.value.stored, other.value.current, other.value.path) == ("0.0.9+old", engine_version(), None)


@pytest.mark.parametrize(("engine", "error"), [("0.0.9+old", DifferentEngine), (None, NotReproduced)])
def test_another_result_is_told_with_the_first_place_that_differs(asked_demo, engine, error):
    given = asked_demo.ask().json()
    staging.by_force(
        asked_demo,
        'UPDATE execution_execution SET result = replace(result, \'"total_value":"756411.71"\', \'"total_value":"756411.72"\'),'
        " engine_version = coalesce(%s, engine_version)",
        [engine],
    )

    with pytest.raises(error) as differs:
        replay(asked_demo, given["execution_id"])

    assert differs.value.path == "/valued_positions/total_value"


def test_an_execution_of_somebody_else_can_not_be_replayed(demo):
    given = demo.ask().json()

    with pytest.raises(ExecutionNotFound):
        replay(demo, given["execution_id"], "other")


@pytest.mark.role("job")
def test_the_commands_execute_and_replay_agree_with_the_api(demo):
    with demo.role("app"):
        given = demo.ask(asof_date="2013-03-01").json()

    executed = json.loads(
        run("execute", "portfolio_overview", "--portfolio", "public", "--asof", "2013-03-01", "--json")
    )
    replayed = json.loads(run("replay", executed["execution_id"], "--json"))

    assert executed["metadata"]["result_hash"] == given["metadata"]["result_hash"] == replayed["result_hash"]
    assert executed["result"]["valued_positions"]["total_value"] == "756411.71"
    assert replayed == {"execution": executed["execution_id"], "result_hash": replayed["result_hash"], "same": True}


@pytest.mark.role("job")
@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("execute", "portfolio_overveiw", "--portfolio", "public"), "near: portfolio_overview", 1),
        (("execute", "portfolio_overview", "--portfolio", "absent"), "no such portfolio", 1),
        (("execute", "portfolio_overview", "--portfolio", "public", "--asof", "2999-01-01"), "is not between", 1),
        (("execute", "portfolio_overview", "--portfolio", "public", "--input", "lookback_days"), "NAME=VALUE", 2),
        (("execute", "portfolio_overview", "--portfolio", "public", "--input", "lookback_days=0"), "lookback_days", 1),
        (("replay", "00000000-0000-0000-0000-000000000000"), "no such execution", 1),
    ],
)
def test_a_command_that_can_not_says_why_in_one_line(demo, words, said, code):
    with pytest.raises(CommandError) as refused:
        run(*words)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert refused.value.returncode == code


@pytest.mark.role("job")
def test_a_pack_that_is_not_fresh_is_an_exit_code_of_its_own(private_demo):
    staging.set_packs(private_demo, "warming")

    with pytest.raises(CommandError) as refused:
        run("execute", "portfolio_overview", "--portfolio", "public")

    assert refused.value.returncode == 3
