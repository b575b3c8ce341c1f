"""`python -m chaos.tampered_caches [--count 200] [--seed 1] [--owner public-owner] [--portfolio public]`: numbers changed in Redis
and in rows, one at a time, while the service runs. After each edit it is asked by the question, by the answer's id and as a page.

Right is the answer of before the edits, or a refusal that names what was altered. Anything else is a failure: another number, a
page that is not a designed one, an unhandled error. Every edit is taken back. It needs `make serve` on the embedded servers.
"""

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chaos import service

PATTERN = "portfolio_overview"
REFUSALS = {"execution-altered", "pattern-altered"}
DIGIT = re.compile(rb"[1-8]")
EXECUTION_EDITS = {
    "result": "regexp_replace(result, '[1-8]', '9', 1, {0})",
    "result, and its hash": "regexp_replace(result, '[1-8]', '9', 1, {0})",
    "result_hash": "md5(result_hash) || md5(result)",
    "sources": """'{{"valued_positions": ["nobody"]}}'""",
    "warnings": """'["made up"]'""",
    "trace": """'{{"steps": [{{"as": "x", "status": "ok"}}]}}'""",
    "pack_id": "pack_id || 'x'",
    "engine_version": "'0.0.9+' || engine_version",
    "asof_date": "asof_date - {0}",
    "pack_chain_hash": "md5(pack_chain_hash) || md5(result)",
    "ledger_commit_hash": "reverse(ledger_commit_hash)",
    "duration_ms": "coalesce(duration_ms, 0) + {0}",
    "digest": "md5(digest) || md5(result)",
}
PATTERN_EDITS = {
    "document": "jsonb_set(document, '{{title}}', '\"Made up {0}\"')",
    "document_hash": "md5(document_hash) || md5(document_hash)",
    "digest": "md5(digest) || md5(document_hash)",
}


@dataclass
class Tally:
    edits: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@dataclass
class Right:
    """The answers of before."""

    execution_id: str
    result: Any
    hash: str
    page: str


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--owner", default="public-owner")
    parser.add_argument("--portfolio", default="public")
    options = parser.parse_args()
    person = service.Person(service.set_up(), options.owner)
    tally = attack(person, options.portfolio, count=options.count, seed=options.seed)
    print(
        f"{tally.edits} edits (seed {options.seed}), {sum(tally.outcomes.values())} answers:"
        f" {', '.join(f'{number} {name}' for name, number in sorted(tally.outcomes.items()))};"
        f" {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(person: service.Person, slug: str, *, count: int, seed: int) -> Tally:
    tally, chance = Tally(), random.Random(seed)
    question = {"pattern_id": PATTERN, "portfolio_id": person.portfolio_id(slug)}
    page = f"/portfolios/{slug}/{PATTERN}/"
    first = person.call("POST", "/v1/execute", json=question)
    first.raise_for_status()
    answer = first.json()
    right = Right(
        answer["execution_id"], answer["result"], answer["metadata"]["result_hash"], service.text_of(person.look(page))
    )
    for number in range(count):
        edit = chance.choice((_edit_cache, _edit_cache, _edit_execution, _edit_execution, _edit_pattern))
        if edit is _edit_cache:
            person.call("POST", "/v1/execute", json=question)  # so that there is something in the cache
        what, undo = edit(right, chance)
        try:
            for ask in _ways(person, question, right, page):
                _judge(*ask(), right, tally, f"edit {number}, {what}")
        finally:
            undo()
        tally.edits += 1
    return tally


def _ways(person: service.Person, question: Any, right: Right, page: str) -> list[Callable[[], tuple[str, Any]]]:
    return [
        lambda: ("question", person.call("POST", "/v1/execute", json=question)),
        lambda: ("id", person.call("GET", f"/v1/executions/{right.execution_id}")),
        lambda: ("page", person.look(page)),
    ]


def _judge(way: str, answer: Any, right: Right, tally: Tally, where: str) -> None:
    if answer.status_code == 200:
        if way == "page":
            good = service.text_of(answer) == right.page
        else:
            body = answer.json()
            good = (body["result"], body["metadata"]["result_hash"]) == (right.result, right.hash)
        outcome = "right" if good else "WRONG"
    elif way == "page":
        good = any(f"{answer.status_code} {name}" in answer.text for name in REFUSALS)
        outcome = "refused" if good else f"UNDESIGNED {answer.status_code}"
    else:
        kind = answer.json().get("type")
        good = kind in REFUSALS
        outcome = "refused" if good else f"ERROR {answer.status_code} {kind}"
    tally.outcomes[outcome] += 1
    if not good:
        tally.failures.append(f"{where}, asked by {way}: {outcome}")


# --- edits, each with its way back


def _cache_keys(client: Any) -> list[bytes]:
    return sorted(client.scan_iter(match="tieout:*execution:*"))


def _forget() -> None:
    from config.redis_client import shared_redis

    client = shared_redis()
    for key in _cache_keys(client):
        client.delete(key)


def _edit_cache(right: Right, chance: random.Random) -> tuple[str, Callable[[], None]]:
    from config.redis_client import shared_redis

    client = shared_redis()
    for key in _cache_keys(client):
        value: Any = client.get(key)
        kind = chance.choice(("digit", "garbage", "empty", "nested", "without a digest", "another's", "a list"))
        if kind == "digit":
            where = chance.choice([match.start() for match in DIGIT.finditer(value)])
            client.set(key, value[:where] + b"9" + value[where + 1 :])
        elif kind == "garbage":
            client.set(key, chance.randbytes(chance.randrange(1, 200)))
        elif kind == "empty":
            client.set(key, b"")
        elif kind == "nested":
            client.set(key, b"[" * 100_000)
        elif kind == "without a digest":
            client.set(key, value[64:].replace(b'"total_value', b'"total_valuf'))
        elif kind == "another's":
            client.set(key, value[:64] + json.dumps({"result": "{}"}).encode())
        else:
            client.delete(key)
            client.lpush(key, b"1")
    return f"Redis: {kind}", _forget


def _edit_execution(right: Right, chance: random.Random) -> tuple[str, Callable[[], None]]:
    column = chance.choice(sorted(EXECUTION_EDITS))
    name = column.partition(",")[0]
    value = EXECUTION_EDITS[column].format(chance.randrange(1, 40))
    session = service.superuser()
    before = session.execute(
        "SELECT to_jsonb(e) FROM execution_execution e WHERE id = %s", [right.execution_id]
    ).fetchone()
    session.execute(f"UPDATE execution_execution SET {name} = {value} WHERE id = %s", [right.execution_id])
    if column != name:
        session.execute(
            "UPDATE execution_execution SET result_hash = encode(sha256(convert_to(result, 'UTF8')), 'hex') WHERE id = %s",
            [right.execution_id],
        )
    _forget()

    def undo() -> None:
        assert before is not None
        session.execute(
            f"UPDATE execution_execution SET ({name}, result_hash) ="
            f" (SELECT {name}, result_hash FROM jsonb_populate_record(NULL::execution_execution, %s)) WHERE id = %s"
            if name != "result_hash"
            else "UPDATE execution_execution SET result_hash ="
            " (SELECT result_hash FROM jsonb_populate_record(NULL::execution_execution, %s)) WHERE id = %s",
            [json.dumps(before[0]), right.execution_id],
        )
        session.close()
        _forget()

    return f"execution: {column}", undo


def _edit_pattern(right: Right, chance: random.Random) -> tuple[str, Callable[[], None]]:
    column = chance.choice(sorted(PATTERN_EDITS))
    session = service.superuser()
    current = "id = (SELECT current_id FROM execution_pattern WHERE id = %s)"
    row = session.execute(f"SELECT to_jsonb(v) FROM execution_patternversion v WHERE {current}", [PATTERN]).fetchone()
    value = PATTERN_EDITS[column].format(chance.randrange(100))
    session.execute(f"UPDATE execution_patternversion SET {column} = {value} WHERE {current}", [PATTERN])

    def undo() -> None:
        assert row is not None
        session.execute(
            f"UPDATE execution_patternversion SET {column} ="
            f" (SELECT {column} FROM jsonb_populate_record(NULL::execution_patternversion, %s)) WHERE {current}",
            [json.dumps(row[0]), PATTERN],
        )
        session.close()

    return f"pattern: {column}", undo


if __name__ == "__main__":
    sys.exit(main())
