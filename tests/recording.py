"""`python -m tests.recording FILE`: write down what the demo answers; with `--against OLDER`, list what is answered otherwise now.

For work that must change nothing for a user. It asks the installation that `make demo` made: each pattern for both portfolios
on five days, its `result` and hash; and requests that are refused, at each door: their status, problem type and pointers.
The words of errors, durations, ids and the version of the engine are left out.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid5

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

DAYS = ("2002-12-05", "2004-07-02", "2008-10-10", "2010-05-07", "2013-03-01")
HOLDINGS = 3
"""Of a portfolio, the first in its overview: so many are looked at one by one."""
OF_ONE_INSTALLATION = {"sealed_at", "updated_at"}
"""Instants at which an installation made its packs."""
ABSENT = "00000000-0000-4000-8000-000000000000"
OVERVIEW = "portfolio_overview"

# Bodies for POST /v1/execute that are refused; PORTFOLIO stands for the id of one's own.
PORTFOLIO = "PORTFOLIO"
REFUSED_BODIES: tuple[Any, ...] = (
    "",
    "[]",
    "null",
    "{",
    '{"pattern_id": "a", "pattern_id": "b"}',
    '{"pattern_id": NaN}',
    '{"pattern_id": 1e999}',
    '{"pattern_id": "a\\u0000b"}',
    "[" * 200 + "]" * 200,
    {},
    {"pattern_id": 7},
    {"pattern_id": ""},
    {"pattern_id": "x" * 65},
    {"pattern_id": "nothing_of_the_kind"},
    {"pattern_id": OVERVIEW},
    {"pattern_id": OVERVIEW, "portfolio_id": "seven"},
    {"pattern_id": OVERVIEW, "portfolio_id": ABSENT},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "inputs": []},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "inputs": {"unknown": 1}},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "inputs": {"lookback_days": "many"}},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "inputs": {"portfolio_id": ABSENT}},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "asof_date": "yesterday"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "asof_date": 20130301},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "asof_date": "2013-02-30"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "asof_date": "1999-01-01"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "asof_date": "2999-01-01"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "require_fresh": "no"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "require_fresh": False},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "ledger_commit": "zz"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "ledger_commit": "0" * 40},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "pricing_pack_id": "PP"},
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "pricing_pack_id": "PP_2013-03-01_ECB_EUR_r99"},
    {
        "pattern_id": OVERVIEW,
        "portfolio_id": PORTFOLIO,
        "pricing_pack_id": "PP_2013-02-28_ECB_EUR_r1",
        "asof_date": "2013-03-01",
    },
    {"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "extra": 1, "more": 2, "asof_date": "x"},
    {"pattern_id": "holding_deep_dive", "portfolio_id": PORTFOLIO},
    {"pattern_id": "holding_deep_dive", "portfolio_id": PORTFOLIO, "inputs": {"security_id": 0}},
    {"pattern_id": "holding_deep_dive", "portfolio_id": PORTFOLIO, "inputs": {"security_id": 999999}},
    {"pattern_id": "holding_deep_dive", "portfolio_id": PORTFOLIO, "inputs": {"security_id": "1"}},
    {"pattern_id": "holding_deep_dive", "portfolio_id": PORTFOLIO, "inputs": {"security_id": 1, "lookback_days": 0}},
    {"pattern_id": "money_bridge", "portfolio_id": PORTFOLIO, "inputs": {"from_date": "2013-02-01x"}},
    {
        "pattern_id": "money_bridge",
        "portfolio_id": PORTFOLIO,
        "inputs": {"from_date": "2013-02-01", "to_date": "2012-02-01"},
    },
)
REFUSED_PATHS = (
    f"/v1/executions/{ABSENT}",
    "/v1/executions/seven",
    "/v1/packs?limit=0",
    "/v1/packs?limit=many&offset=-1",
    "/v1/packs?from=2013-01-02&to=2012-01-01",
    "/v1/packs?policy=NONE",
    "/v1/packs/PP_2013-03-01_ECB_EUR_r99",
    "/v1/packs/PP_2013-03-01_ECB_EUR_r1?kind=nothing",
    f"/v1/portfolios/{ABSENT}/reconciliations",
    f"/v1/portfolios/{ABSENT}/imports",
    f"/v1/portfolios/{ABSENT}/settings",
    f"/v1/portfolios/{PORTFOLIO}/reconciliations?limit=x&offset=y",
    f"/v1/portfolios/{PORTFOLIO}/reconciliations?from=x",
    "/v1/nothing",
    "/health/pack?policy=NONE",
)
ANSWERED_PATHS = (
    "/v1/packs?limit=3",
    "/v1/packs/PP_2013-03-01_ECB_EUR_r1",
    "/v1/packs/PP_2013-03-01_ECB_EUR_r1?kind=prices&limit=5",
    f"/v1/portfolios/{PORTFOLIO}/settings",
)
REFUSED_SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"unknown": 1},
    {"booking_method": "NEWEST"},
    {"accrual": 3, "flow_timing": "noon"},
    {"base_currency": "EUR"},
    {"policy": "NONE", "fees_in_cost": "perhaps"},
)


class Person:
    """An owner of the demo, who asks through the doors."""

    def __init__(self, slug: str) -> None:
        from django.contrib.auth import get_user_model
        from django.test import Client
        from rest_framework_simplejwt.tokens import AccessToken

        from execution.operations import demo

        self.slug = slug
        self.portfolio_id = str(uuid5(demo.NAMESPACE, slug))
        user = get_user_model().objects.get(username=demo.OWNER_OF[slug])
        self.client = Client(headers={"Authorization": f"Bearer {AccessToken.for_user(user)}", "Host": "localhost"})

    def own(self, text: str) -> str:
        return text.replace(PORTFOLIO, self.portfolio_id)

    def execute(self, body: Any) -> Any:
        text = self.own(body if isinstance(body, str) else json.dumps(body))
        return self.client.post("/v1/execute", text, content_type="application/json")


def problem(response: Any) -> dict[str, Any]:
    """Status, type and pointers of what was refused. A word of it may change; these may not."""
    if response["Content-Type"] != "application/problem+json":
        return {"status": response.status_code, "type": response["Content-Type"], "pointers": []}
    body = json.loads(response.content)
    pointers = sorted(each.get("pointer", "") for each in body.get("errors", []))
    return {"status": response.status_code, "type": body.get("type"), "pointers": pointers}


def results(person: Person) -> Iterator[tuple[str, Any]]:
    """Each pattern on each of the days."""
    for day in DAYS:
        overview = person.execute({"pattern_id": OVERVIEW, "portfolio_id": PORTFOLIO, "asof_date": day})
        yield f"{person.slug} {OVERVIEW} {day}", answer(overview)
        month = {"from_date": f"{day[:8]}01", "to_date": day}
        for inputs in ({}, month):
            bridge = person.execute(
                {"pattern_id": "money_bridge", "portfolio_id": PORTFOLIO, "asof_date": day, "inputs": inputs}
            )
            yield f"{person.slug} money_bridge {day} {json.dumps(inputs)}", answer(bridge)
        for security in held_on(overview):
            body = {"pattern_id": "holding_deep_dive", "portfolio_id": PORTFOLIO, "asof_date": day}
            looked_at = person.execute(body | {"inputs": {"security_id": security}})
            yield f"{person.slug} holding_deep_dive {day} {security}", answer(looked_at)


def answer(response: Any) -> Mapping[str, Any]:
    if response.status_code != 200:
        return problem(response)
    body = response.json()
    steps = [[step["as"], step["capability"], step["status"]] for step in body["trace"]["steps"]]
    kept = ("result_hash", "pricing_pack_id", "pack_chain_hash", "ledger_commit_hash", "asof_date", "warnings")
    return {"result": body["result"], "steps": steps} | {name: body["metadata"][name] for name in kept}


def held_on(overview: Any) -> list[int]:
    if overview.status_code != 200:
        return []
    positions = overview.json()["result"]["valued_positions"]["positions"]
    return [each["security_id"] for each in positions if each.get("security_id")][:HOLDINGS]


def refusals(person: Person) -> Iterator[tuple[str, Any]]:
    from django.test import Client

    for number, body in enumerate(REFUSED_BODIES):
        yield f"execute {number} {json.dumps(body)[:80]}", problem(person.execute(body))
    for path in REFUSED_PATHS:
        yield f"GET {path}", problem(person.client.get(person.own(path)))
    for path in ANSWERED_PATHS:
        yield f"GET {path}", json.loads(person.client.get(person.own(path)).content)
    settings = person.own(f"/v1/portfolios/{PORTFOLIO}/settings")
    for changes in REFUSED_SETTINGS:
        response = person.client.patch(settings, json.dumps(changes), content_type="application/json")
        yield f"PATCH settings {json.dumps(changes)}", problem(response)
    imports = person.own(f"/v1/portfolios/{PORTFOLIO}/imports")
    yield "POST imports without a file", problem(person.client.post(imports, {}))
    yield "POST imports as JSON", problem(person.client.post(imports, "{}", content_type="application/json"))
    yield "DELETE import", problem(person.client.delete(f"{imports}/nothing"))
    for path in ("/v1/packs", settings, imports):
        yield (
            f"nobody {path.replace(person.portfolio_id, PORTFOLIO)}",
            problem(Client(headers={"Host": "localhost"}).get(path)),
        )
    yield "a bad token", problem(Client(headers={"Authorization": "Bearer x", "Host": "localhost"}).get("/v1/packs"))
    yield "another method", problem(person.client.put("/v1/execute", "{}", content_type="application/json"))
    yield "a form", problem(person.client.post("/v1/execute", {"pattern_id": OVERVIEW}))


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Each path at which the two say different things."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted((before.keys() | now.keys()) - OF_ONE_INSTALLATION):
            yield from differences(before.get(key), now.get(key), f"{path}/{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for at, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from differences(old, new, f"{path}/{at}")
    elif before != now:
        yield f"{path}: {json.dumps(before)[:120]} -> {json.dumps(now)[:120]}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.recording", description=__doc__)
    parser.add_argument("file", type=Path, help="where the answers are written")
    parser.add_argument("--against", type=Path, help="an older file of this kind")
    given = parser.parse_args()
    from config import embedded

    embedded.provide("app")
    import django

    django.setup()
    people = [Person(slug) for slug in ("public", "second")]
    answers = dict(pair for person in people for pair in results(person)) | dict(refusals(people[0]))
    given.file.write_text(json.dumps(answers, indent=1, sort_keys=True) + "\n")
    print(f"{len(answers)} answers")
    if given.against is None:
        return 0
    found = list(differences(json.loads(given.against.read_text()), answers))
    print("\n".join(found[:200]) if found else "the same as before")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
