"""GET /v1/patterns: what a pattern takes and gives, as JSON Schema that its results keep."""

import json

import jsonschema
import pytest
from django.test import Client

from agents import registry
from execution.patterns import json_schema, publishing
from execution.patterns.document import parse
from pricing.models import Security


def get(demo, path):
    return Client().get(path, headers={"Authorization": f"Bearer {demo.token('owner')}"})


def library():
    return [parse(document) for document in publishing.read_library().values()]


def test_patterns_are_listed_with_their_versions(demo):
    listed = get(demo, "/v1/patterns").json()["patterns"]

    assert [(each["id"], each["version"]) for each in listed] == sorted((each.id, each.version) for each in library())
    assert all(each["title"] and each["description"] for each in listed)


def test_an_unknown_pattern_is_named_with_near_ones(demo):
    answer = get(demo, "/v1/patterns/portfolio_overvew")

    assert (answer.status_code, answer.json()["type"]) == (404, "pattern-not-found")
    assert answer.json()["near"][:1] == ["portfolio_overview"]


@pytest.mark.parametrize("pattern", library(), ids=lambda pattern: pattern.id)
def test_schemas_are_schemas(demo, pattern):
    shown = get(demo, f"/v1/patterns/{pattern.id}").json()

    for schema in (shown["inputs"], *shown["outputs"].values()):
        jsonschema.Draft202012Validator.check_schema(schema)
    assert list(shown["outputs"]) == list(pattern.outputs)
    assert [each["as"] for each in shown["steps"]] == [step.name for step in pattern.steps]


@pytest.mark.parametrize("pattern", library(), ids=lambda pattern: pattern.id)
def test_a_result_is_what_the_schemas_of_its_pattern_say(demo, pattern):
    shown = get(demo, f"/v1/patterns/{pattern.id}").json()
    security = Security.objects.get(symbol="IBM").pk
    own = {
        "portfolio_id": str(demo.public_id),
        "security_id": security,
        "from_date": "2012-03-01",
        "to_date": "2013-03-01",
    }
    inputs = {name: own[name] for name in shown["inputs"]["required"]}

    jsonschema.validate(inputs, shown["inputs"])
    answer = demo.ask(pattern_id=pattern.id, inputs=inputs)

    assert answer.status_code == 200, answer.content[:500]
    result = answer.json()["result"]
    assert result.keys() == shown["outputs"].keys()
    for name, value in result.items():
        jsonschema.validate(value, shown["outputs"][name])
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"nonsense": 1}, shown["outputs"][name])


@pytest.mark.parametrize(
    "wrong",
    [{}, {"portfolio_id": 1}, {"portfolio_id": "x", "nonsense": 1}, {"portfolio_id": "x", "lookback_days": 0}],
    ids=json.dumps,
)
def test_inputs_that_are_refused_are_none_by_the_schema(wrong):
    overview = parse(publishing.read_library()["portfolio_overview.json"])

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json_schema.of_inputs(overview))


def test_every_capability_declares_what_has_a_schema():
    for capability in registry.all():
        definitions = json_schema.Definitions()
        schema = definitions.schema_of(capability.data_type)

        assert schema, capability.name
        jsonschema.Draft202012Validator.check_schema({**schema, "$defs": definitions.by_name})
