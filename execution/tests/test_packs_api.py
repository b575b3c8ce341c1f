"""GET /v1/packs and /v1/packs/<id>."""

from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from execution.tests import staging
from pricing import packs
from pricing.models import PackPrice, QuarantinedRow

HEAD = "PP_2013-03-01_ECB_EUR_r1"


def get(demo, path, user="owner", **query):
    return Client().get(path, query, headers={"Authorization": f"Bearer {demo.token(user)}"})


def test_nobody_sees_no_packs(demo):
    assert Client().get("/v1/packs").status_code == 401
    assert Client().get(f"/v1/packs/{HEAD}").status_code == 401


def test_packs_are_listed_newest_first_and_paged(demo):
    first = get(demo, "/v1/packs", limit=2).json()
    second = get(demo, "/v1/packs", limit=2, offset=2).json()

    assert first["count"] == second["count"] == 2_649
    assert [each["asof_date"] for each in (*first["packs"], *second["packs"])] == [
        "2013-03-01", "2013-02-28", "2013-02-27", "2013-02-26",
    ]  # fmt: skip


def test_a_header_tells_its_hashes_and_that_nothing_supersedes_it(demo):
    pack = packs.find(pack_id=HEAD)

    (told,) = get(demo, "/v1/packs", first="2013-03-01", last="2013-03-01", policy="ECB_EUR", status="fresh").json()[
        "packs"
    ]

    assert pack.content is not None
    assert (told["content_hash"], told["chain_hash"]) == (pack.content.content_hash, pack.chain_hash)
    assert (told["id"], told["sequence"], told["superseded_by"]) == (HEAD, 2_649, None)
    assert get(demo, "/v1/packs", superseded="true").json()["count"] == 0
    assert get(demo, "/v1/packs", superseded="false").json()["count"] == 2_649


def test_a_pack_shows_its_rows_as_they_were_published(demo):
    told = get(demo, f"/v1/packs/{HEAD}").json()

    apple = PackPrice.objects.get(content__packs=HEAD, security__symbol="AAPL")
    assert [row["symbol"] for row in told["rows_of_kind"]] == ["AAPL", "GOOG", "IBM", "MSFT"]
    assert told["rows_of_kind"][0]["close"] == format(apple.close, "f")
    assert not told["rows_of_kind"][0]["withheld"]
    assert told["counts"]["prices"] == told["counts"]["active"] == 4
    assert told["counts"]["left_out"] == len(told["left_out"]) == 0
    assert told["attributions"]


@pytest.mark.role("job")
def test_a_pack_tells_how_good_its_rows_are(private_demo):
    content = packs.find(pack_id=HEAD).content_id
    with private_demo.role("owner"), connection.cursor() as cursor:  # who alone can turn the triggers off
        cursor.execute("ALTER TABLE pricing_packprice DISABLE TRIGGER USER")
        for symbol, flags in (("AAPL", "stale:2,accepted"), ("GOOG", "extreme"), ("IBM", "extreme,accepted")):
            cursor.execute(
                "UPDATE pricing_packprice SET flags = %s WHERE content_id = %s"
                " AND security_id = (SELECT id FROM pricing_security WHERE symbol = %s)",
                [flags, content, symbol],
            )
        cursor.execute("DELETE FROM pricing_packprice WHERE content_id = %s AND flags = 'extreme'", [content])
    with private_demo.role("job"):
        for day, decision in (("2013-03-01", "pending"), ("2013-03-01", "rejected"), ("2013-02-28", "pending")):
            decided = {"decided_by": 7, "decided_at": "2013-03-02T00:00:00Z", "decision_reason": "wrong"}
            QuarantinedRow.objects.create(
                kind="price", key="GOOG", date=day, value=decision, rule="jump", reason="x", source="wood",
                first_seen=UUID(int=1), decision=decision, **(decided if decision == "rejected" else {}),
            )  # fmt: skip

    counts = get(private_demo, f"/v1/packs/{HEAD}").json()["counts"]

    assert {name: counts[name] for name in ("prices", "active", "left_out", "stale", "extreme", "accepted")} == {
        "prices": 3, "active": 4, "left_out": 1, "stale": 1, "extreme": 1, "accepted": 2,
    }  # fmt: skip
    assert counts["undecided"] == 1


def test_rows_of_a_kind_are_paged(demo):
    rates = get(demo, f"/v1/packs/{HEAD}", kind="rates").json()
    last = get(demo, f"/v1/packs/{HEAD}", kind="rates", offset=rates["counts"]["rates"] - 1, limit=5).json()

    assert len(rates["rows_of_kind"]) == rates["counts"]["rates"]
    assert last["rows_of_kind"] == rates["rows_of_kind"][-1:]


@pytest.mark.role("job")
def test_numbers_of_a_source_that_may_not_be_shown_are_withheld(private_demo):
    source = PackPrice.objects.filter(content__packs=HEAD).values_list("source", flat=True)[0]
    staging.decide_rights(private_demo, source, "deny")

    told = get(private_demo, f"/v1/packs/{HEAD}").json()

    assert told["rights"]["withheld"] == [source]
    assert [(row["close"], row["withheld"]) for row in told["rows_of_kind"]] == [(None, True)] * 4


@pytest.mark.parametrize("pack_id", ["PP_2013-03-01_ECB_EUR_r99", "%00", "x" * 2_000, "%27", "r1%0a"])
def test_an_unknown_pack_is_not_found(demo, pack_id):
    response = get(demo, f"/v1/packs/{pack_id}")

    assert (response.status_code, response.json()["type"]) == (404, "pack-not-found")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/packs", {"limit": "0"}),
        ("/v1/packs", {"limit": "1001"}),
        ("/v1/packs", {"limit": "ten"}),
        ("/v1/packs", {"limit": ""}),
        ("/v1/packs", {"limit": ["1", "2"]}),
        ("/v1/packs", {"offset": "-1"}),
        ("/v1/packs", {"offset": "99999999999999999999"}),
        ("/v1/packs", {"offset": "1.5"}),
        ("/v1/packs", {"status": "stale"}),
        ("/v1/packs", {"policy": "\0"}),
        ("/v1/packs", {"first": "2013-02-30"}),
        ("/v1/packs", {"superseded": "perhaps"}),
        (f"/v1/packs/{HEAD}", {"kind": "dividends"}),
        (f"/v1/packs/{HEAD}", {"limit": "1001"}),
        (f"/v1/packs/{HEAD}", {"offset": "-1"}),
        (f"/v1/packs/{HEAD}", {"page": "2"}),
    ],
)
def test_a_parameter_that_is_none_is_a_problem_that_names_it(demo, path, asked):
    response = get(demo, path, **asked)

    problem = response.json()
    assert (response.status_code, response["Content-Type"], problem["type"]) == (
        400, "application/problem+json", "invalid-request",
    )  # fmt: skip
    assert [each["pointer"] for each in problem["errors"]] == [f"/{name}" for name in asked]


def test_every_wrong_parameter_is_named_at_once(demo):
    response = get(demo, "/v1/packs", first="yesterday", limit=0, colour="red")

    assert response.status_code == 400
    assert [each["pointer"] for each in response.json()["errors"]] == ["/colour", "/first", "/limit"]


@pytest.mark.parametrize(("path", "most"), [("/v1/packs", 7), (f"/v1/packs/{HEAD}", 16)])
def test_an_answer_costs_a_fixed_number_of_queries(demo, path, most):
    get(demo, path)

    with CaptureQueriesContext(connection) as queries:
        get(demo, path)

    assert len(queries) <= most


def test_the_openapi_document_is_made_without_a_warning(tmp_path, demo):
    call_command("spectacular", file=str(tmp_path / "schema.yaml"), validate=True, fail_on_warn=True)

    text = (tmp_path / "schema.yaml").read_text()
    assert {"/v1/packs:", "/v1/packs/{pack_id}:", "/health/pack:"} <= set(text.split())
    assert "bearerFormat: JWT" in text
