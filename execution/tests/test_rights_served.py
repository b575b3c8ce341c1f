"""Rights are decided when a result is served: what is stored stays, what is shown follows the rights of now."""

import json
import re

from agents.result import RequestContext, Result
from compliance import versions
from compliance.models import DataSource
from execution.tests import staging

WITHHELD = {"value": None, "status": "unavailable", "reason": "right-denied"}
PRICES = "bokeh-wiki"


def deny(world, code):
    staging.decide_rights(world, code, "deny")


def test_outputs_that_rest_on_a_denied_source_are_withheld_and_the_hash_stays(asked_demo):
    before = asked_demo.ask()
    deny(asked_demo, PRICES)

    after = asked_demo.ask()

    shown, metadata = after.json()["result"], after.json()["metadata"]
    assert all(output == WITHHELD for output in shown.values())
    assert metadata["rights"]["withheld"] == {name: [PRICES] for name in shown}
    assert metadata["rights"]["version"] > before.json()["metadata"]["rights"]["version"]
    assert metadata["result_hash"] == before.json()["metadata"]["result_hash"]
    assert after.json()["execution_id"] == before.json()["execution_id"]
    assert after["ETag"] != before["ETag"]
    assert b"756411.71" not in after.content


def test_what_rests_on_other_sources_is_still_shown(private_demo, monkeypatch):
    def own(ctx: RequestContext) -> Result[dict[str, int]]:
        return Result({"n": 7}, sources=("ledger",), asof=ctx.asof_date, ttl=0)

    deny(private_demo, PRICES)
    with staging.offering(private_demo, monkeypatch, own=own):
        answer = private_demo.ask(pattern_id="fake_own").json()

    assert answer["result"]["made"] == {"n": 7}
    assert answer["result"]["after"] == WITHHELD
    assert "Own ledger" in answer["metadata"]["attributions"]
    assert not [words for words in answer["metadata"]["attributions"] if "Quandl" in words]


def test_an_execution_looked_up_again_is_under_the_rights_of_now(asked_demo):
    given = asked_demo.ask()
    path = f"/v1/executions/{given.json()['execution_id']}"
    deny(asked_demo, PRICES)

    answer = asked_demo.client("owner").get(path, headers={"If-None-Match": given["ETag"]})

    assert answer.status_code == 200
    assert answer.json()["result"]["valued_positions"] == WITHHELD


def test_a_right_given_back_shows_the_stored_bytes_again(private_demo):
    before = private_demo.ask()
    deny(private_demo, PRICES)
    private_demo.ask()
    staging.decide_rights(private_demo, PRICES, "attribute")

    after = private_demo.ask()

    assert json.dumps(after.json()["result"]) == json.dumps(before.json()["result"])


def test_a_draft_changes_no_answer(asked_demo):
    before = asked_demo.ask()
    staging.by_force(asked_demo, "UPDATE compliance_datasource SET display = 'deny'")

    after = asked_demo.ask()

    assert (after.json()["result"], after["ETag"]) == (before.json()["result"], before["ETag"])


def test_a_source_that_nobody_registered_allows_nothing(private_demo):
    with private_demo.role("job"):
        DataSource.objects.filter(code=PRICES).delete()
        versions.propose(reason="staged", by=None)

    answer = private_demo.ask()

    assert answer.status_code == 200
    assert answer.json()["result"]["valued_positions"] == WITHHELD


def test_the_page_shows_nothing_that_is_withheld(private_demo):
    deny(private_demo, PRICES)

    page = private_demo.client("owner").get("/portfolios/public/portfolio_overview/")

    assert page.status_code == 200
    assert b"756,411" not in page.content


def test_a_page_has_the_attribution_where_its_source_wants_it_and_the_watermark_with_time_reader_and_request(
    private_demo,
):
    with private_demo.role("job"):
        DataSource.objects.filter(code=PRICES).update(
            display="watermark", placement="inline", link="https://wiki.example/", watermark="Only <to> look at"
        )
        versions.propose(reason="staged", by=None)

    page = private_demo.client("owner").get("/portfolios/public/portfolio_overview/").content.decode()

    head, _, foot = page.partition('<details class="panel ties"')
    assert '<a href="https://wiki.example/" rel="noopener noreferrer">Quandl WIKI Prices' in head
    assert "Quandl WIKI Prices" not in foot
    assert "European Central Bank, euro foreign exchange reference rates" in foot
    assert re.search(r"Only &lt;to&gt; look at \| Shown: \d{4}-[^|]+Z \| User: [0-9a-f]{8} \| Request: \w{8}", head)
