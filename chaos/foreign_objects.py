"""`python -m chaos.foreign_objects [--count 10000] [--seed 1] [--owner public-owner] [--other second-owner] [--staff
staff]`: what is of one owner's portfolio is asked for by another owner, and by staff without a grant, at every route, by
each method, in the path, the query, the body and headers, with a token and with a session.

No answer may hold a word that only the owner knows, and nothing may be written. Each question is asked a second time for an
object that does not exist: both answers have to be equal, but for the name that was asked for. It needs `make serve`.
"""

import argparse
import json
import random
import re
import sys
import uuid
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

import requests

from chaos import service
from chaos.fuzz import LEFT_OUT, PART

PATTERN = "portfolio_overview"
METHODS = ("GET", "GET", "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD", "OPTIONS")
HEADERS = ("X-User-Id", "X-Portfolio-Id", "X-Forwarded-User", "X-Original-URL", "Idempotency-Key", "If-None-Match")
VARYING = re.compile(
    r'"?request_id"?:\s*\S+|<dt>Request</dt><dd><code>[^<]*</code>|name="csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"'
    r"|go on in \d+ s"
)
COUNTING = ("metrics", "v1/token/refresh")
"""Routes whose answer is another each time: a guess at a refresh token is a try, of which the address has so many."""
SEEN = ("Content-Type", "Location", "ETag", "Allow", "WWW-Authenticate", "Cache-Control", "Vary")
"""Headers that could tell of an object."""


@dataclass(frozen=True)
class Objects:
    """What an owner has: the names that lead to it, each beside one that leads nowhere, and what only the owner knows."""

    pairs_by_type: dict[str, list[tuple[str, str]]]
    """By the kind of a part of a path; rows of the admin by their table."""
    secrets: list[str]


@dataclass
class Tally:
    attempts: int = 0
    pairs: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--portfolio", default="public")
    parser.add_argument("--other", default="second-owner")
    parser.add_argument("--staff", default="staff")
    options = parser.parse_args()
    url = service.set_up()
    owner = service.Person(url, options.owner)
    with service.staff(url, options.staff) as staff:
        others = [service.Person(url, options.other), staff]
        tally = attack(owner, others, options.portfolio, count=options.count, seed=options.seed)
    counts = ", ".join(f"{number} of {status}" for status, number in sorted(tally.statuses.items()))
    print(
        f"{tally.attempts} attempts (seed {options.seed}), {tally.pairs} foreign against unknown: {counts};"
        f" {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(owner: service.Person, others: list[service.Person], slug: str, *, count: int, seed: int) -> Tally:
    tally, chance = Tally(), random.Random(seed)
    objects = find_objects(owner, slug)
    routes = [each for each in service.routes() if not LEFT_OUT.search(each)]
    in_admin = [each for each in routes if each.startswith("admin/")]
    others_of = [each for each in routes if not each.startswith("admin/")]
    before = _owned_state(slug)
    while tally.attempts < count:
        turn = tally.pairs // 2
        of_turn = (in_admin, others_of)[tally.pairs % 2]
        route = of_turn[turn % len(of_turn)]
        _try(route, chance, chance.choice(others), objects, tally)
    if _owned_state(slug) != before:
        tally.failures.append("something of the owner's was written")
    return tally


def find_objects(owner: service.Person, slug: str) -> Objects:
    portfolio_id = owner.portfolio_id(slug)
    answer = owner.call("POST", "/v1/execute", json={"pattern_id": PATTERN, "portfolio_id": portfolio_id})
    answer.raise_for_status()
    body = answer.json()
    execution_id = body["execution_id"]
    with service.superuser() as session:
        keys = {
            table: [
                str(key)
                for (key,) in session.execute(f"SELECT id FROM {table} WHERE portfolio_id = %s LIMIT 5", [portfolio_id])
            ]
            for (table,) in session.execute(
                "SELECT table_name FROM information_schema.columns WHERE column_name = 'portfolio_id' AND table_schema = 'public'"
                " AND table_name IN (SELECT table_name FROM information_schema.columns WHERE column_name = 'id')"
            ).fetchall()
        }
        commits = session.execute(
            "SELECT commit FROM portfolio_ledgerrevision WHERE portfolio_id = %s", [portfolio_id]
        ).fetchall()
        entries = session.execute(
            "SELECT DISTINCT note FROM portfolio_transaction WHERE portfolio_id = %s AND length(note) > 12 LIMIT 20",
            [portfolio_id],
        ).fetchall()
        foreign = {
            note
            for (note,) in session.execute(
                "SELECT DISTINCT note FROM portfolio_transaction WHERE portfolio_id <> %s", [portfolio_id]
            )
        }
    pairs_by_type = {
        "uuid": [(portfolio_id, str(uuid.uuid4())), (execution_id, str(uuid.uuid4()))],
        "slug": [(slug, "zzzzzz"[: len(slug)])],
        "str": [(commits[0][0], commits[0][0][::-1])],
        "int": [(key, _unknown_like(key)) for ids in keys.values() for key in ids if key.isdecimal()],
        **{table: [(key, _unknown_like(key)) for key in ids] for table, ids in keys.items() if ids},
    }
    secrets = [
        body["metadata"]["result_hash"],
        body["result"]["valued_positions"]["total_value"],
        *(commit for (commit,) in commits),
        *(note for (note,) in entries if note not in foreign),
    ]
    return Objects(pairs_by_type, secrets)


def _unknown_like(key: str) -> str:
    return str(uuid.uuid4()) if "-" in key else "9" * 9


def _owned_state(slug: str) -> Any:
    """What a stranger could have changed: rows of the portfolio, its settings, its executions."""
    with service.superuser() as session:
        return session.execute(
            "SELECT to_jsonb(p), (SELECT count(*) FROM portfolio_ledgerrevision WHERE portfolio_id = p.id),"
            " (SELECT count(*) FROM execution_execution WHERE portfolio_id = p.id) FROM portfolio_portfolio p WHERE slug = %s",
            [slug],
        ).fetchone()


def _try(route: str, chance: random.Random, person: service.Person, objects: Objects, tally: Tally) -> None:
    """Ask for a foreign object and for an unknown one, in the same way."""
    kinds = [_table_of(route)] if _table_of(route) in objects.pairs_by_type else ["uuid", "slug", "str"]
    foreign, unknown = chance.choice(objects.pairs_by_type[chance.choice(kinds)])
    parts = {part[0]: _choose(part, objects, foreign, unknown, chance) for part in PART.finditer(route)}
    method, place, send = (
        chance.choice(METHODS),
        chance.choice(("path", "query", "json", "form", "header")),
        _sender(person, chance),
    )
    header, parameter = (
        chance.choice(HEADERS),
        chance.choice(("portfolio_id", "portfolio", "id", "q", "portfolio__id__exact", "user")),
    )
    answers = []
    for index, name in enumerate((foreign, unknown)):
        path = "/" + PART.sub(partial(_name_of, parts, index), route)
        how: dict[str, Any] = {"headers": {}}
        if place == "query":
            path += f"?{parameter}={quote(name, safe='')}"
        elif place == "json":
            how["headers"]["Content-Type"] = "application/json"
            how["data"] = json.dumps(_body(name, route))
        elif place == "form":
            how["data"] = {parameter: name, "confirm": name, "undo": name}
        elif place == "header":
            how["headers"][header] = name
        answer = send(method, path, **how)
        tally.attempts += 1
        tally.statuses[answer.status_code] += 1
        answers.append(answer)
        if index == 0:
            _look_for_secrets(answer, objects, f"{method} {path} by {person.username}, {place}", tally)
    tally.pairs += 1
    names = {foreign, unknown, *(name for pair in parts.values() for name in pair)}
    if route not in COUNTING and _comparable_parts(answers[0], names) != _comparable_parts(answers[1], names):
        tally.failures.append(
            f"{method} {route} by {person.username}, {place}: foreign {foreign} {answers[0].status_code} and unknown"
            f" {answers[1].status_code} differ"
        )


def _name_of(parts: dict[str, tuple[str, str]], index: int, part: re.Match[str]) -> str:
    return quote(parts[part[0]][index], safe="")


def _choose(
    part: re.Match[str], objects: Objects, foreign: str, unknown: str, chance: random.Random
) -> tuple[str, str]:
    """What stands in a part of the path: for the foreign question, and for the unknown one."""
    kind, name = part[1] or "", part[2]
    if name == "pattern_id":
        return PATTERN, PATTERN
    if name in ("app_label", "content_type_id", "url"):
        return "execution", "execution"
    if name in ("pack_id",):
        return "PP_2013-03-01_ECB_EUR_r1", "PP_2013-03-01_ECB_EUR_r1"
    if kind == "slug" or name == "slug":
        return objects.pairs_by_type["slug"][0]
    if kind == "uuid" or (kind == "int" and not foreign.isdecimal()):
        return chance.choice(objects.pairs_by_type[kind])
    return foreign, unknown


def _body(name: str, route: str) -> Any:
    if "execute" in route:
        return {"pattern_id": PATTERN, "portfolio_id": name, "inputs": {}}
    return {"portfolio_id": name, "benchmark": None, "refresh": name, "execution_id": name}


def _sender(person: service.Person, chance: random.Random) -> Any:
    return chance.choice((person.call, person.browse))


def _look_for_secrets(answer: requests.Response, objects: Objects, where: str, tally: Tally) -> None:
    request_text = unquote(answer.request.url or "") + str(answer.request.body or "") + str(answer.request.headers)
    for secret in objects.secrets:
        if secret in answer.text and secret not in request_text:
            tally.failures.append(f"{where}: {answer.status_code} holds {secret[:40]}")


def _table_of(route: str) -> str:
    """Of a page of the admin: the table whose rows it is about."""
    return "_".join(route.split("/")[1:3]) if route.startswith("admin/") else ""


def _comparable_parts(answer: requests.Response, names: set[str]) -> Any:
    """All of an answer but what was asked for, and what is another each time."""
    text = VARYING.sub("", answer.text)
    headers = {name: unquote(unquote(answer.headers.get(name, ""))) for name in SEEN}
    forms = {form for name in names for form in (name, quote(name, safe=""), name.replace("-", ""))}
    pattern = re.compile(
        "|".join(rf"(?:(?<![\w-])|(?<=%3D)){re.escape(form)}(?![\w-])" for form in sorted(forms, key=len, reverse=True))
    )
    text, headers = pattern.sub("…", text), {name: pattern.sub("…", value) for name, value in headers.items()}
    return answer.status_code, headers, text


if __name__ == "__main__":
    sys.exit(main())
