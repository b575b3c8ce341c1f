"""`python -m chaos.tampered_history [--rounds 3] [--seed 1]`: stored rows edited one value at a time with triggers off: of packs,
ledgers, settings, rights, patterns and answers.

Each round makes every edit of EDITS once, in a row drawn by chance. The check that looks at such rows by itself, each day or in
each night, has to find something, and nothing once the edit is taken back.

It works on the database of this environment, which is afterwards as it was; beside it nothing may change that.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from chaos import service

PACKS, HISTORY, AUDIT, ANSWERS = "night: packs", "daily: history", "daily: audit", "daily: answers"
EDITS = (
    (PACKS, "pricing_packprice", "close", "close * 1.01", ""),
    (PACKS, "pricing_packrate", "rate", "rate * 1.01", ""),
    (PACKS, "pricing_packaction", "amount", "amount + 1", "amount IS NOT NULL"),
    (PACKS, "pricing_packobservation", "value", "value + 1", ""),
    (PACKS, "pricing_pricingpack", "asof_date", "asof_date + 20000", ""),
    (AUDIT, "pricing_pricingpack", "restates", "restates || '~'", ""),
    (AUDIT, "pricing_pricingpack", "sealed_at", "sealed_at + interval '1 day'", ""),
    (HISTORY, "portfolio_transaction", "amount", "amount + 1", "kind = 'deposit'"),
    (HISTORY, "portfolio_transaction", "quantity", "quantity * 2", "quantity IS NOT NULL"),
    (HISTORY, "portfolio_transaction", "date", "date + 400", ""),
    (HISTORY, "portfolio_transaction", "note", "note || '~'", ""),
    (HISTORY, "portfolio_transaction", "fee", "fee + 1", ""),
    (HISTORY, "portfolio_transaction", "tax", "tax + 1", ""),
    (HISTORY, "portfolio_transaction", "fx_to_base", "fx_to_base * 2", "fx_to_base IS NOT NULL"),
    (HISTORY, "portfolio_lot", "cost", "cost + 1", "valid_to IS NULL"),
    (HISTORY, "portfolio_lot", "acquired", "acquired - 1", "valid_to IS NULL"),
    (HISTORY, "portfolio_lot", "fx_to_base", "fx_to_base * 2", "fx_to_base IS NOT NULL AND valid_to IS NULL"),
    (HISTORY, "portfolio_lot", "quantity", "quantity * 2", "valid_to IS NOT NULL"),
    (HISTORY, "portfolio_matchedlot", "proceeds", "proceeds + 1", ""),
    (HISTORY, "portfolio_dailyvalue", "value", "value + 1", ""),
    (HISTORY, "portfolio_reconciliation", "error_bp", "error_bp + 0.5", "error_bp IS NOT NULL"),
    (HISTORY, "portfolio_ledgerrevision", "tree_hash", "reverse(tree_hash)", ""),
    (AUDIT, "portfolio_ledgerrevision", "commit", "reverse(commit)", ""),
    (AUDIT, "portfolio_portfolio", "owner_id", "(SELECT max(id) FROM auth_user WHERE id <> owner_id)", ""),
    (AUDIT, "portfolio_portfolio", "booking_method", "CASE booking_method WHEN 'FIFO' THEN 'LIFO' ELSE 'FIFO' END", ""),
    (AUDIT, "pricing_security", "name", "name || '~'", ""),
    (HISTORY, "pricing_security", "currency", "CASE currency WHEN 'SEK' THEN 'NOK' ELSE 'SEK' END", ""),
    (AUDIT, "compliance_datasource", "display", "CASE display WHEN 'deny' THEN 'allow' ELSE 'deny' END", ""),
    (ANSWERS, "execution_patternversion", "document", "jsonb_set(document, '{title}', '\"Made up\"')", ""),
    (ANSWERS, "execution_execution", "result", "result || ' '", "status = 'done'"),
    (ANSWERS, "execution_execution", "result_hash", "reverse(result_hash)", "status = 'done'"),
)  # fmt: skip
"""The check that names it, table, column, what is written there, and which rows are meant: those of an attack, and a few more."""


@dataclass
class Tally:
    edits: int = 0
    detections: int = 0
    refusals: int = 0
    """Edits that the database took from nobody."""
    failures: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    service.set_up()
    tally = attack(rounds=options.rounds, seed=options.seed)
    print(
        f"{tally.edits} edits (seed {options.seed}), {tally.detections} named, {tally.refusals} refused,"
        f" {len(tally.failures)} failures"
    )
    for failure in tally.failures[:20]:
        print(failure)
    return 1 if tally.failures else 0


def attack(*, rounds: int, seed: int) -> Tally:
    chance, tally = random.Random(seed), Tally()
    with service.as_job(), service.superuser() as session:
        checks = _checks()
        for name, check in checks.items():
            if differences := list(check()):
                raise SystemExit(f"{name} differs before anything was edited: {differences[0]}")
        for _ in range(rounds):
            for name, table, column, change, where in EDITS:
                row = _draw(session, table, where, chance)
                if row is None:
                    tally.failures.append(f"{table} has no row {where}")
                    continue
                tally.edits += 1
                try:
                    before = _edit(session, table, column, change, row)
                except psycopg.IntegrityError:  # a constraint, which holds while the triggers are off
                    tally.refusals += 1
                    continue
                differences = list(checks[name]())
                _put_back(session, table, column, before, row)
                tally.detections += bool(differences)
                if not differences:
                    tally.failures.append(f"{name} did not name {table}.{column} of {row}")
        tally.failures += [f"not taken back: {difference}" for check in checks.values() for difference in check()]
    return tally


def _checks() -> dict[str, Callable[[], Iterable[Any]]]:
    """The verbs of the jobs, whole where a day has a part of it."""
    from execution.night import audit_check, history_check
    from execution.operations import altered
    from pricing import packs
    from pricing.models import PricingPolicy

    policies = list(PricingPolicy.objects.filter(packs__sequence__isnull=False).distinct())

    def history() -> list[Any]:
        return packs.find_security_differences() + [
            difference for policy in policies for difference in history_check.find_differences(policy)
        ]

    return {
        PACKS: lambda: [difference for policy in policies if (difference := packs.verify(policy=policy))],
        HISTORY: history,
        AUDIT: audit_check.find_row_differences,
        ANSWERS: altered.find,
    }


def _draw(session: psycopg.Connection[Any], table: str, where: str, chance: random.Random) -> Any:
    """The key of a row; None where there is none."""
    keys = session.execute(f"SELECT {_key_of(table)} FROM {table} WHERE {where or 'true'} ORDER BY 1").fetchall()
    return chance.choice(keys)[0] if keys else None


def _edit(session: psycopg.Connection[Any], table: str, column: str, change: str, row: Any) -> str:
    """Edit one value of a row, and return the one before, as text."""
    where = f"WHERE {_key_of(table)} = %s"
    (before,) = session.execute(f"SELECT {column}::text FROM {table} {where}", [row]).fetchone()  # type: ignore[misc]
    session.execute(f"UPDATE {table} SET {column} = {change} {where}", [row])
    return str(before)


def _put_back(session: psycopg.Connection[Any], table: str, column: str, before: str, row: Any) -> None:
    (kind,) = session.execute(  # type: ignore[misc]
        "SELECT data_type FROM information_schema.columns WHERE table_name = %s AND column_name = %s", [table, column]
    ).fetchone()
    session.execute(f"UPDATE {table} SET {column} = %s::{kind} WHERE {_key_of(table)} = %s", [before, row])


def _key_of(table: str) -> str:
    return "code" if table == "compliance_datasource" else "id"


if __name__ == "__main__":
    sys.exit(main())
