"""Each value that the API takes has one spelling, at every address: what the OpenAPI document says of it, and nothing near it."""

import json
from urllib.parse import quote, urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config.strict_json import pointer_to
from execution.web.api import openapi

OF_QUERY = {
    "integer": ["-0", "+1", "1.0", "1_0", "１", "1e1", " 1", "true", "NaN", "9" * 20],
    "boolean": ["1", "True", "yes", "on", " true", ""],
    "date": [
        "2013-2-1",
        "20130201",
        "2013-W05-5",
        "2013-02-01T00:00:00",
        "2013-02-29",
        "２０１３-02-01",
        " 2013-02-01",
    ],
    "uuid": ["{%s}", "urn:uuid:%s", " %s", "0d413ced4d7a40fc9d6b54476385f974"],
}
OF_BODY = {
    "integer": ["1", 1.0, True, None, [1]],
    "boolean": ["true", 1, 0, "", [True]],
    "date": [*OF_QUERY["date"], 20130201, True],
    "date-time": ["2099-01-01", "2099-01-01T00:00:00", "2099-1-1T00:00Z", "20990101T000000Z", "2099-W01-1T00:00Z", 4e9],
    "uuid": [*OF_QUERY["uuid"], 5, True],
    "string": [5, True, ["x"], {"x": "y"}],
}
ID = "0d413ced-4d7a-40fc-9d6b-54476385f974"


@pytest.fixture(scope="module")
def document(migrated):
    return openapi.OneDocument().get_schema()


def kind_of(schema):
    """The kind of value that a schema asks for, by its format or its type; None where it is a choice or made of others."""
    types = [kind for kind in schema["type"] if kind != "null"] if isinstance(schema.get("type"), list) else []
    named = schema.get("format") or (types[0] if types else schema.get("type"))
    return None if "enum" in schema else named


def resolved(document, schema):
    return document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def refused(answer):
    return {each["pointer"] for each in answer.json().get("errors", ())} if answer.status_code == 400 else set()


@pytest.fixture
def places(asked_demo):
    return {
        "portfolio_id": asked_demo.public_id,
        "execution_id": asked_demo.ask().json()["execution_id"],
        "pattern_id": "portfolio_overview",
        "pack_id": "PP_2013-03-01_ECB_EUR_r1",
        "order_id": ID,
        "export_id": ID,
    }


def test_a_parameter_has_one_spelling(document, asked_demo, places):
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}
    taken, sent = [], 0

    for path, operation in openapi.operations(document):
        for parameter in operation.get("parameters", ()):
            if parameter["in"] != "query":
                continue
            for text in OF_QUERY.get(kind_of(parameter["schema"]), ()):
                text = text.replace("%s", ID)
                answer = Client().get(f"{path.format(**places)}?{parameter['name']}={quote(text)}", headers=headers)
                sent += 1
                if f"/{parameter['name']}" not in refused(answer):
                    taken.append((path, parameter["name"], text, answer.status_code))

    assert taken == []
    assert sent > 150


def test_a_query_string_that_is_not_utf_8_is_refused(document, asked_demo, places):
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}

    answers = {
        path: Client().get(path.format(**places) + "?nonsense=%ff", headers=headers)
        for path, methods in document["paths"].items()
        if "get" in methods and path.startswith("/v1/")
    }

    assert {path: answer.json()["detail"] for path, answer in answers.items()} == dict.fromkeys(
        answers, "the query string is not UTF-8"
    )


def test_a_field_of_a_body_has_one_spelling(document, asked_demo, places):
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}
    taken, sent = [], 0

    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if body is None or not operation.get("security"):
                continue
            for name, schema in resolved(document, body["schema"])["properties"].items():
                for value in OF_BODY.get(kind_of(schema), ()):
                    value = value.replace("%s", ID) if isinstance(value, str) else value
                    answer = getattr(Client(), method)(
                        path.format(**places),
                        json.dumps({name: value}),
                        content_type="application/json",
                        headers=headers,
                    )
                    sent += 1
                    if f"/{name}" not in refused(answer):
                        taken.append((path, name, value, answer.status_code, answer.content))

    assert taken == []
    assert sent > 80


@pytest.mark.parametrize("name", ["nonsense", "a/b~c", "", " username"])
def test_a_field_that_a_body_has_not_is_refused_at_every_address(document, asked_demo, places, name):
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}
    bodies = [
        (method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    ]

    for method, path, operation in bodies:
        answer = getattr(Client(), method)(
            path.format(**places),
            json.dumps({name: 1}),
            content_type="application/json",
            headers=headers if operation.get("security") else {},
        )
        assert pointer_to(name) in refused(answer), (path, answer.content)


def test_the_place_of_what_is_wrong_in_a_list_or_a_question_is_told(asked_demo):
    packs = ["PP_2013-03-01_ECB_EUR_r1", "PP_2013-02-28_ECB_EUR_r1"]
    question = {"pattern_id": "portfolio_overview", "portfolio_id": str(asked_demo.public_id)}
    bodies = {
        "/pricing_pack_ids/1": {"question": question, "pricing_pack_ids": [packs[0], 5]},
        "/ledger_commits/0": {"question": question, "ledger_commits": ["HEAD", "0" * 40]},
        "/question/nonsense": {"question": question | {"nonsense": 1}, "pricing_pack_ids": packs},
        "/question/inputs/lookback_days": {
            "question": question | {"inputs": {"lookback_days": "x"}},
            "pricing_pack_ids": packs,
        },
    }

    for pointer, body in bodies.items():
        answer = Client().post(
            "/v1/compare",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {asked_demo.token('owner')}"},
        )
        assert refused(answer) == {pointer}, answer.content


def test_a_password_is_taken_to_the_character(private_demo):
    owner = private_demo.user("owner")
    owner.set_password(" with a space ")
    owner.save()

    statuses = [
        Client()
        .post("/v1/token", json.dumps({"username": "owner", "password": text}), content_type="application/json")
        .status_code
        for text in (" with a space ", "with a space")
    ]

    assert statuses == [200, 401]


@pytest.mark.parametrize("path", ["/valued_positions/positions/00/fx_rate", " /valued_positions/total_value"])
def test_a_place_in_an_answer_has_one_spelling(asked_demo, path):
    execution = asked_demo.ask().json()["execution_id"]

    answer = Client().get(
        f"/v1/executions/{execution}/explain",
        {"path": path},
        headers={"Authorization": f"Bearer {asked_demo.token('owner')}"},
    )

    assert answer.json()["type"] in ("invalid-request", "path-not-found")


@pytest.mark.parametrize("path", ["/valued_positions/positions/0/~", "/valued_positions/~2"])
def test_a_tilde_that_stands_for_nothing_is_no_pointer(asked_demo, path):
    execution = asked_demo.ask().json()["execution_id"]

    answer = Client().get(
        f"/v1/executions/{execution}/explain",
        {"path": path},
        headers={"Authorization": f"Bearer {asked_demo.token('owner')}"},
    )

    assert refused(answer) == {"/path"}


MANY = {f"a{number}": "1" for number in range(1_001)}


def test_more_fields_than_are_read_are_refused_at_every_address(document, asked_demo, places):
    headers = {"Authorization": f"Bearer {asked_demo.token('owner')}"}

    for path, methods in document["paths"].items():
        for method in methods:
            answer = Client().generic(
                method.upper(),
                path.format(**places, access_id=1, import_id="x") + "?" + urlencode(MANY),
                headers=headers,
            )
            assert (answer.status_code, answer.json()["detail"]) == (400, "more than 1000 fields"), (method, path)


@pytest.mark.parametrize(
    ("fields", "detail"),
    [
        (MANY, "more than 1000 fields"),
        ({f"a{number}": SimpleUploadedFile("a", b"1") for number in range(101)}, "more than 100 files"),
        ({"preflight": ["true", "false"]}, "/preflight: is given twice"),
        ({"preflight": "", "margin": ["a", ""]}, "/preflight: is blank; /margin: is blank"),
        ({"file": [SimpleUploadedFile("a.csv", b"1"), SimpleUploadedFile("b.csv", b"2")]}, "/file: is given twice"),
    ],
    ids=["fields", "files", "twice", "blank", "two files"],
)
def test_a_form_that_says_no_one_thing_is_refused_and_imports_nothing(asked_demo, places, fields, detail):
    answer = Client().post(
        f"/v1/portfolios/{places['portfolio_id']}/imports",
        {"file": SimpleUploadedFile("a.csv", b"1"), **fields},
        headers={"Authorization": f"Bearer {asked_demo.token('owner')}"},
    )

    assert (answer.status_code, answer.json()["detail"]) == (400, detail)
