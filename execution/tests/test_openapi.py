"""GET /v1/schema: the OpenAPI document."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
from django.db import connection
from django.test import Client

from execution import tasks
from execution.tests.test_imports_api import ask as import_file
from execution.web.api import openapi
from execution.web.api.schema import EXAMPLE_ID
from execution.web.problems.problem import CONTENT_TYPE
from tests.plugin import PASSWORD


@pytest.fixture
def not_made(monkeypatch):
    """As in a process that nobody has asked for the document."""
    monkeypatch.setattr(openapi, "_document", {})


@pytest.fixture
def hurried():
    """Threads change places as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("not_made", "hurried", "empty")
def test_the_document_can_be_asked_for_by_many_threads_at_once():
    def ask(_):
        try:
            return Client().get("/v1/schema", headers={"Accept": "application/json"})
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["openapi"].startswith("3.1")


@pytest.fixture(scope="module")
def document(migrated):
    return openapi.OneDocument().get_schema()


def operations(document):
    return [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


MUST = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 202: ["Location"]}


def require_declared(document, operation, answer):
    """The answer has a status of the document, and is what it says of it."""
    response = operation["responses"][str(answer.status_code)]
    missing = {"X-Request-ID", "Cache-Control", *MUST.get(answer.status_code, ())} - answer.headers.keys()
    assert not missing, (operation["operationId"], answer.status_code, missing)
    assert answer.headers.keys() & openapi.HEADERS.keys() <= response["headers"].keys(), operation["operationId"]
    kind = answer.get("Content-Type", "").partition(";")[0]
    if response.get("content") or kind:
        assert kind in response.get("content", ()), (operation["operationId"], kind)
    if "json" in kind:
        schema = {**response["content"][kind]["schema"], "components": document["components"]}
        jsonschema.validate(answer.json(), schema, jsonschema.Draft202012Validator)


QUERY = {"path": "/valued_positions/total_value"}


def required_of(operation):
    """A query string with the parameters that the address can't do without."""
    named = [each["name"] for each in operation.get("parameters", ()) if each["in"] == "query" and each.get("required")]
    return {name: QUERY[name] for name in named}


def test_every_operation_says_what_it_does_and_how_it_may_be_refused(document):
    found = operations(document)

    assert len({operation["operationId"] for _, _, operation in found}) == len(found) > 25
    assert [path for _, path, operation in found if not operation.get("summary")] == []
    for _, path, operation in found:
        if path.startswith("/v1/"):
            refused = {status: body for status, body in operation["responses"].items() if status >= "400"}
            assert {"400", "401", "406", "429", "500", "503"} <= refused.keys()
            assert {*next(iter(refused.values()))["content"]} == {CONTENT_TYPE}


def test_the_results_of_our_patterns_have_types(document):
    schemas = document["components"]["schemas"]
    answer = schemas["Answer"]["properties"]

    assert {"$ref": "#/components/schemas/PortfolioOverviewResult"} in answer["result"]["anyOf"]
    assert set(schemas["PortfolioOverviewResult"]["properties"]) >= {"valued_positions", "metrics"}
    assert "pricing_pack_id" in schemas["Metadata"]["properties"]
    assert "capability" in schemas["TraceStep"]["properties"]
    assert schemas["Problem"]["properties"]["errors"]["items"] == {"$ref": "#/components/schemas/Finding"}


def test_every_example_is_a_request_that_is_answered(document, private_demo, read_once):
    """In place of an example's ids and secrets stand the demo's."""
    headers = {"Authorization": f"Bearer {private_demo.token('owner')}"}
    execution = private_demo.ask().json()["execution_id"]
    log_in = {"username": "owner", "password": PASSWORD}
    refresh = Client().post("/v1/token", json.dumps(log_in), content_type="application/json").json()["refresh"]
    own = {
        "password": PASSWORD,
        "refresh": refresh,
        "portfolio_id": str(private_demo.public_id),
        "execution_id": execution,
    }
    own |= {"before": execution, "after": execution}
    sent, without = [], []

    for method, path, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is None:
            continue
        if not body.get("examples"):
            without.append(operation["operationId"])
        for example in body.get("examples", {}).values():
            request = {name: own.get(name, value) for name, value in example["value"].items()}
            answer = getattr(Client(), method)(
                path.format(**own),
                json.dumps(request),
                content_type="application/json",
                headers=headers if operation.get("security") else {},
            )
            assert answer.status_code < 300, (path, answer.content)
            if answer.content:
                require_declared(document, operation, answer)
            sent.append(operation["operationId"])

    assert without == []
    assert EXAMPLE_ID not in str(own)
    assert {"execute", "order_export", "change_settings", "token", "renew_token", "revoke_token"} <= set(sent)


def test_every_address_answers_as_the_document_says(document, asked_demo, read_once, monkeypatch):
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}
    import_file(asked_demo, "owner")
    execution = Client().get("/v1/executions", headers=headers).json()["executions"][0]["execution_id"]
    made = Client().post(
        "/v1/exports",
        json.dumps({"execution_id": execution, "format": "json", "reduced": True}),
        content_type="application/json",
        headers=headers,
    )
    monkeypatch.setattr(tasks.make_execution, "delay", lambda **_: None)
    ordered = Client().post(
        "/v1/execute",
        json.dumps(
            {"pattern_id": "portfolio_overview", "portfolio_id": str(asked_demo.public_id), "asof_date": "2013-02-28"}
        ),
        content_type="application/json",
        headers={**headers, "Prefer": "respond-async"},
    )
    by_id = {operation["operationId"]: operation for _, _, operation in operations(document)}
    require_declared(document, by_id["order_export"], made)
    require_declared(document, by_id["execute"], ordered)
    places = {
        "execution_id": execution,
        "order_id": ordered.json()["order_id"],
        "export_id": made.json()["export_id"],
        "portfolio_id": asked_demo.public_id,
        "pattern_id": "portfolio_overview",
        "pack_id": "PP_2013-03-01_ECB_EUR_r1",
    }

    for method, path, operation in operations(document):
        if method == "get":
            answers = [
                Client().get(path.format(**places), required_of(operation), headers=headers),
                Client().get(path.format(**places), {"nonsense": "1"}, headers=headers),
                Client().get(path.format(**places)),
            ]
            for answer in answers:
                require_declared(document, operation, answer)
                answer.close()
            assert answers[0].status_code == 200, path


def test_the_reference_shows_every_operation_under_the_policy_of_content(document, empty):
    page = Client().get("/reference/")

    text = page.content.decode()
    assert page.status_code == 200
    assert [path for _, path, _ in operations(document) if path not in text] == []
    assert [name for name in document["components"]["schemas"] if f'id="schema-{name}"' not in text] == []
    assert "script" not in page["Content-Security-Policy"]
    assert "<script" not in text
    assert " style=" not in text
