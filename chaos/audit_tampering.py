"""`python -m chaos.audit_tampering [--count 1000] [--seed 1]`: sealed entries of the audit log edited, removed and put in, one at a
time, as superuser with the triggers off. Each has to be named by the verification, and is taken back before the next.

It needs the embedded servers of this checkout, and changes nothing that stays.
"""

import argparse
import json
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql

from chaos import service

CHANGED = {
    "bigint": "coalesce({0}, 0) + {1}",
    "jsonb": "jsonb_build_object('made up', {1}::int)",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "{0} + {1} * interval '1 microsecond'",
    "text": "{0} || {1}::text",
}


@dataclass
class Tally:
    tries: Counter[str] = field(default_factory=Counter)
    detections: int = 0
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    service.set_up()
    tally = attack(count=options.count, seed=options.seed)
    print(
        f"{tally.tries.total()} tries (seed {options.seed}): {', '.join(f'{n} {kind}' for kind, n in sorted(tally.tries.items()))};"
        f" {tally.detections} named, {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(*, count: int, seed: int) -> Tally:
    from compliance.audit import sealing
    from compliance.models import AuditSeal

    chance, tally = random.Random(seed), Tally()
    with service.as_job(), service.superuser() as session:
        sealing.seal(at=datetime.now(UTC))
        sealed = [pk for seal in AuditSeal.objects.order_by("number") for pk, _ in json.loads(seal.entries)]
        columns = session.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'compliance_auditentry'"
            " ORDER BY ordinal_position"
        ).fetchall()
        if difference := _find():
            raise SystemExit(f"the audit log differs before anything was tried: {difference}")
        for _ in range(count):
            pk, kind = chance.choice(sealed), chance.choice(("edit", "removal", "insertion"))
            session.execute("CREATE TEMP TABLE as_it_was AS SELECT * FROM compliance_auditentry WHERE id = %s", [pk])
            touched = _tamper(session, kind, pk, chance, columns)
            difference = _find()
            session.execute("DELETE FROM compliance_auditentry WHERE id = ANY(%s)", [[pk, *touched]])
            session.execute("INSERT INTO compliance_auditentry SELECT * FROM as_it_was; DROP TABLE as_it_was")
            tally.tries[kind] += 1
            if difference is not None and difference.table == "audit entry" and int(difference.row) in (pk, *touched):
                tally.detections += 1
            else:
                tally.failures.append(f"{kind} of {pk}, {touched}: {difference}")
        if difference := _find():
            tally.failures.append(f"not taken back: {difference}")
    return tally


def _find() -> Any:
    from compliance.audit import verification

    return next(iter(verification.verify(most=1).differences), None)


def _tamper(
    session: psycopg.Connection[Any], kind: str, pk: int, chance: random.Random, columns: list[tuple[str, str]]
) -> list[int]:
    """What it touched beside the entry: the id that it has then, or that of the one put in."""
    match kind:
        case "removal":
            session.execute("DELETE FROM compliance_auditentry WHERE id = %s", [pk])
            return []
        case "insertion":
            put_in = 10**9 + chance.randrange(10**9)
            session.execute("UPDATE as_it_was SET id = %s", [put_in])
            session.execute("INSERT INTO compliance_auditentry SELECT * FROM as_it_was")
            session.execute("UPDATE as_it_was SET id = %s", [pk])
            return [put_in]
    column, of_type = chance.choice(columns)
    change = CHANGED[of_type].format(
        "{}", chance.randrange(10**9, 10**10) if column == "id" else chance.randrange(1, 10**6)
    )
    statement = sql.SQL("UPDATE compliance_auditentry SET {} = {} WHERE id = %s RETURNING id").format(
        sql.Identifier(column), sql.SQL(change).format(sql.Identifier(column))
    )
    (now,) = session.execute(statement, [pk]).fetchone()  # type: ignore[misc]
    return [now]


if __name__ == "__main__":
    sys.exit(main())
