"""Explain and compare are doors: of a source that may not be shown neither a value nor a row, date or count leaves by them, and
an execution that one may not read does not exist there either."""

import random
from uuid import UUID, uuid4

import pytest
from django.test import Client

from compliance.models import DataSource
from compliance.refusal import RightDenied
from config.errors import TieoutError
from execution import explanation
from execution.explanation.tests.figures import figures_of
from execution.tests import staging
from portfolio.models import PortfolioAccess

PROBED = 2
"""Paths of each output."""
NOWHERE = ("positions/99/price", "positions/0/symbol", "positions", "nothing", "days/2013-03-01/value", "0")


def get(world, execution_id, path, username="owner"):
    headers = {"Authorization": f"Bearer {world.token(username)}"}
    return Client().get(f"/v1/executions/{execution_id}/explain", {"path": path}, headers=headers)


def compare(world, before, after, username="owner"):
    headers = {"Authorization": f"Bearer {world.token(username)}"}
    return Client().post(
        "/v1/compare", {"before": before, "after": after}, content_type="application/json", headers=headers
    )


def rows_in(node):
    yield from node.get("rows", ())
    for part in (*node.get("terms", ()), *node.get("items", ())):
        yield from rows_in(part)


def providers(sources):
    """Who gives them: of a series the part before its name."""
    return {source.partition("/")[0] for source in sources}


def sources_of(world):
    with world.role("job"):
        return sorted(DataSource.objects.exclude(code="ledger").values_list("code", flat=True))


def test_nothing_of_a_withheld_source_leaves_by_explain(private_demo):
    """Each source is taken back in turn; figures of every output are asked for, and places where there is none."""
    answer = private_demo.ask().json()
    execution_id, chosen = answer["execution_id"], random.Random(private_demo.database)
    used = providers(answer["metadata"]["sources"])

    for source in sources_of(private_demo):
        staging.decide_rights(private_demo, source, "deny")
        now = Client().get(
            f"/v1/executions/{execution_id}", headers={"Authorization": f"Bearer {private_demo.token('owner')}"}
        )
        withheld = {
            name for name, codes in now.json()["metadata"]["rights"]["withheld"].items() if source in providers(codes)
        }
        assert bool(withheld) == (source in used)
        for output, result in answer["result"].items():
            figures = [path for path, _ in figures_of(result, f"/{output}")]
            paths = [*chosen.sample(figures, min(PROBED, len(figures))), *(f"/{output}/{each}" for each in NOWHERE)]
            told = [attempt(private_demo, execution_id, path) for path in paths]
            if output in withheld:
                assert {type(each) for each in told} == {RightDenied}
                assert len({str(each) for each in told}) == 1
            for each in told:
                if isinstance(each, dict):
                    assert source not in {row.get("source") for row in rows_in(each)}
                    assert source not in providers(each["metadata"]["sources"])
        staging.decide_rights(private_demo, source, "attribute")


def attempt(world, execution_id, path):
    """The explanation, or why there is none: by the verb, which no limit of requests stands before."""
    try:
        return explanation.explain(UUID(execution_id), path, user=world.user("owner"))
    except TieoutError as refused:
        return refused


def without_request(problem):
    return {name: value for name, value in problem.items() if name not in ("request_id", "instance")}


def test_a_step_that_is_no_output_is_withheld_as_well(private_demo):
    answer = private_demo.ask(pattern_id="holding_deep_dive", inputs={"security_id": 1}).json()
    staging.decide_rights(private_demo, "bokeh-wiki", "deny")

    told = [
        get(private_demo, answer["execution_id"], f"/valued_positions/{each}")
        for each in ("total_value", "positions/0/price", *NOWHERE)
    ]

    assert {(each.status_code, each.json()["type"]) for each in told} == {(403, "right-denied")}
    assert len({str(without_request(each.json())) for each in told}) == 1


@pytest.mark.parametrize("username", ["owner", "other", "staff", "viewer"])
@pytest.mark.parametrize("role", [None, "viewer", "adviser"])
def test_who_may_not_read_an_execution_may_neither_explain_nor_compare_it(private_demo, username, role):
    execution_id = private_demo.ask().json()["execution_id"]
    if role and username != "owner":
        with private_demo.role("job"):
            PortfolioAccess.objects.create(
                portfolio_id=private_demo.public_id, user=private_demo.user(username), role=role
            )
    headers = {"Authorization": f"Bearer {private_demo.token(username)}"}
    may_read = Client().get(f"/v1/executions/{execution_id}", headers=headers).status_code

    doors = (
        get(private_demo, execution_id, "/valued_positions/total_value", username),
        compare(private_demo, execution_id, execution_id, username),
    )

    assert may_read in (200, 404)
    assert {each.status_code for each in doors} == {may_read}
    if may_read == 404:
        absent = get(private_demo, uuid4(), "/valued_positions/total_value", username)
        assert {str(without_request(each.json())) for each in (*doors, absent)} == {str(without_request(absent.json()))}


def test_access_that_is_taken_back_ends_both_doors(private_demo):
    execution_id = private_demo.ask().json()["execution_id"]
    staging.grant(private_demo, "other", private_demo.public_id)
    before = get(private_demo, execution_id, "/gains/unrealised/total", "other")
    with private_demo.role("job"):
        PortfolioAccess.objects.all().delete()

    after = get(private_demo, execution_id, "/gains/unrealised/total", "other")

    assert before.status_code in (200, 404)
    assert after.status_code == compare(private_demo, execution_id, execution_id, "other").status_code == 404


def test_nothing_of_a_withheld_source_leaves_by_compare(private_demo):
    before, after = (private_demo.ask(asof_date=day).json() for day in ("2013-02-28", "2013-03-01"))
    for source in sources_of(private_demo):
        staging.decide_rights(private_demo, source, "deny")
        told = compare(private_demo, before["execution_id"], after["execution_id"]).json()
        for each in told["differences"]:
            output = each["path"].split("/")[1]
            assert output not in told["withheld"]
        assert not any(source in providers(each.get("sources", ())) and not each["withheld"] for each in told["moved"])
        if source in providers(before["metadata"]["sources"]):
            assert told["withheld"]
        staging.decide_rights(private_demo, source, "attribute")
