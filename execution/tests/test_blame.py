"""What a caller gives or a stored document says is never answered as a fault of ours: at every door, of every capability."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, get_origin
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from agents import contract, registry
from agents.result import RequestContext, Result
from config.strict_json import MAX_INTEGER
from execution import tasks
from execution.models import Pattern, PatternVersion
from execution.patterns import document, publishing, versions
from execution.tests import staging

NEWEST = {each.name: each for each in registry.all()}
GIVEN: dict[Any, tuple[str, tuple[Any, ...]]] = {
    int: ("integer", (0, -1, MAX_INTEGER, -MAX_INTEGER)),
    float: ("number", (0.0, -1.0, 1e308, -1e308, 5e-324)),
    str: ("string", ("", "x" * 10_000, "\u202e🂡")),
    date: ("date", ("0001-01-01", "9999-12-31")),
    UUID: ("uuid", (str(UUID(int=1)),)),
    Literal: ("string", ("", "else")),
    tuple: ("array", ([], [1], [{}], [{"label": [], "format": {}}], [{"label": "A", "format": "text"}] * 61)),
    Mapping: ("object", ({}, {"equity": "much"}, {"nothing": 1})),
}
"""Type of an argument -> type of the input that is handed to it, and values that are none or at the edge."""
FACT = {"label": "A", "format": "text", "value": "A"}
PLAIN = {int: 1, Annotated: 1, str: "rates_up", tuple: [FACT]}
"""What the other arguments are, that no step gives."""


def loose(declared):
    """The entry of GIVEN, for an argument that a caller's input may be handed to; None for what only a step gives."""
    for member in contract._members(declared):
        bare = get_origin(member) or member
        if bare is tuple and "ValuedPosition" in str(member):
            return None
        if bare in GIVEN:
            return GIVEN[bare]
    return None


ARGUMENTS = [
    (capability.name, argument)
    for capability in registry.all()
    for argument, declared in capability.arguments.items()
    if loose(declared.type) and argument != "portfolio_id"
]


def steps_for(capability, argument):
    """The steps that a capability needs, and itself, with `argument` from the caller, and the name of that step."""
    made = {}

    def step(name):
        wanted = NEWEST[name]
        args = {}
        for each, declared in wanted.arguments.items():
            if name == capability and each == argument:
                args[each] = "{{inputs.given}}"
            elif each == "portfolio_id":
                args[each] = "{{inputs.portfolio_id}}"
            elif each == "entities":
                args[each] = f"{{{{state.{made_by('pricing.apply_pack')}.positions}}}}"
            elif loose(declared.type) is None:
                (giver, *_) = [other.name for other in NEWEST.values() if other.data_type == declared.type]
                args[each] = f"{{{{state.{made_by(giver)}}}}}"
            elif declared.required:
                args[each] = PLAIN[get_origin(declared.type) or declared.type]
        return {"capability": name, "as": name.replace(".", "_"), **({"args": args} if args else {})}

    def made_by(name):
        if name not in made:
            made[name] = None
            made[name] = step(name)
        return name.replace(".", "_")

    last = made_by(capability)
    return list(made.values()), last


def publish(capability, argument):
    steps, last = steps_for(capability, argument)
    kind, _ = loose(NEWEST[capability].arguments[argument].type)
    name = f"{capability}_{argument}".replace(".", "_")
    inputs = {
        "portfolio_id": {"type": "uuid", "required": True, "description": "The portfolio."},
        "given": {"type": kind, "required": True, "description": "Anything."},
    }
    publishing.publish(staging.pattern(name, inputs=inputs, steps=steps, outputs=[last]))
    return f"fake_{name}"


@pytest.mark.slow
def test_no_value_that_a_caller_gives_to_a_capability_is_a_fault_of_ours(private_demo, settings):
    settings.EXECUTIONS_PER_MINUTE = 1_000_000
    wrong = []
    for capability, argument in ARGUMENTS:
        declared = NEWEST[capability].arguments[argument].type
        with private_demo.role("job"):
            pattern_id = publish(capability, argument)
        for value in loose(declared)[1]:
            answer = ask(private_demo, pattern_id, given=value)
            pointers = {each["pointer"] for each in answer.json().get("errors", ())}
            is_named = answer.status_code in (200, 400, 404, 503)
            if not is_named or not (fits(value, declared) or pointers == {"/inputs/given"}):
                wrong.append((capability, argument, str(value)[:60], answer.status_code, answer.content[:400]))

    assert wrong == []


def ask(demo, pattern_id, user="owner", **inputs):
    return demo.post(user, {"pattern_id": pattern_id, "portfolio_id": str(demo.public_id), "inputs": inputs})


def fits(value, declared):
    try:
        contract.fit(value, declared)
    except contract.TypeMismatch:
        return False
    return True


# --- at every door


def publish_by_force(world, change, version="0.0.1"):
    """A version as an earlier release would have published it. Of a pattern of its own, which serves it."""
    made = staging.pattern("outdated", version=version)
    made["steps"] = [dict(each) for each in made["steps"] if each["as"] != "made"]
    made["outputs"] = ["after"]
    change(made)
    with world.role("job"):
        row, _ = Pattern.objects.get_or_create(pk=made["id"], defaults={"title": "Outdated"})
        new = PatternVersion(pattern=row, version=version, document=made, document_hash=document.hash_document(made))
        new.digest = versions.digest_of(new)
        new.save()
        Pattern.objects.filter(pk=row.pk).update(current=new)
    return made["id"]


def rename_capability(made):
    made["steps"][1]["capability"] = "pricing.apply_packs"


def rename_argument(made):
    made["steps"][1]["args"] = {"position": "{{state.before}}"}


def rename_path(made):
    made["steps"][1]["args"] = {"positions": "{{state.before.held}}"}


def value_out_of_bounds(made):
    made["steps"][1] = {
        "capability": "corporate_actions.upcoming",
        "args": {"positions": "{{state.before}}", "days_ahead": 0},
        "as": "after",
    }


def another_shape(made):
    made["steps"][1]["retries"] = 3


def cycle(made):
    made["steps"][0]["args"] = {"portfolio_id": "{{state.after.portfolio_id}}"}


def lose_the_output(made):
    made["outputs"] = ["later"]


def name_twice(made):
    made["steps"].append(dict(made["steps"][1]))


CHANGES = {
    lose_the_output: "/outputs/0",
    name_twice: "/steps/2/as",
    rename_capability: "/steps/1/capability",
    rename_argument: "/steps/1/args",
    rename_path: "/steps/1/args/positions",
    value_out_of_bounds: "/steps/1/args/days_ahead",
    another_shape: "/steps/1",
    cycle: "/steps/0",
}
"""What a later release no longer takes -> where the answer says that it is."""


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_stored_document_that_this_release_can_not_run_is_named_with_the_place(private_demo, change):
    pattern_id = publish_by_force(private_demo, change)

    answer = ask(private_demo, pattern_id)

    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (409, "pattern-unusable"), problem
    assert CHANGES[change] in {each["pointer"] for each in problem["document"]}
    assert "ask another version" in problem["detail"]


def test_what_was_answered_by_a_capability_that_is_gone_stays_and_is_not_computed_again(private_demo, monkeypatch):
    def made(ctx: RequestContext) -> Result[dict[str, int]]:
        return Result({"days": 1}, (), ctx.asof_date, 60)

    with staging.offering(private_demo, monkeypatch, made=made):
        place = f"/v1/executions/{private_demo.ask(pattern_id='fake_made').json()['execution_id']}"
    client = private_demo.client("owner")

    again = [
        Client().post(f"{place}/replay", headers={"Authorization": f"Bearer {private_demo.token('owner')}"}),
        client.get(f"{place}/explain", {"path": "/made/days"}),
        private_demo.ask(pattern_id="fake_made", asof_date="2013-02-28"),
    ]

    assert client.get(place).json()["result"]["made"] == {"days": 1}
    assert [(answer.status_code, answer.json()["type"]) for answer in again] == [(409, "pattern-unusable")] * 3
    assert {each["pointer"] for answer in again for each in answer.json()["document"]} == {"/steps/1/capability"}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_every_other_door_says_so_too_and_the_others_stay_open(private_demo, change, monkeypatch, capsys):
    pattern_id = publish_by_force(private_demo, change)
    client = private_demo.client("owner")
    rung = []
    monkeypatch.setattr(tasks.make_execution, "delay", lambda *, order: rung.append(order))

    page = client.get(f"/portfolios/public/{pattern_id}/")
    body = {"pattern_id": pattern_id, "portfolio_id": str(private_demo.public_id)}
    ordered = private_demo.post("owner", body, Prefer="respond-async")
    with private_demo.role("job"):
        for order in rung:
            tasks.make_execution(order=order)
        with pytest.raises(CommandError) as ended:
            call_command("execute", pattern_id, "--portfolio", "public")

    assert (page.status_code, "409 pattern-unusable" in page.content.decode()) == (409, True)
    assert "can't be run by this release" in str(ended.value)
    if ordered.status_code == 202:
        assert client.get(ordered["Location"]).json()["problem"] == "pattern-unusable"
    else:
        assert (ordered.status_code, ordered.json()["type"]) == (409, "pattern-unusable")
    assert client.get("/v1/patterns").status_code == 200
    assert client.get("/v1/schema").status_code == 200
    assert client.get(f"/v1/patterns/{pattern_id}").status_code in (200, 409)
    assert client.get("/").status_code == 200
