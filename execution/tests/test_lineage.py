"""No pattern loses where its values come from: 200 of them that copy, sum, rename, take from a cache and shift.

Each source says a number with a bit of its own, and what is made of numbers has the bits of all of them. So a value itself tells
what it rests on, apart from the sources that the orchestrator carries with it.
"""

import random
from datetime import date
from functools import lru_cache
from typing import Any

import pytest

from agents.registry import Registry
from agents.result import RequestContext, Result
from agents.runtime import AgentRuntime
from agents.tests.fakes import context
from compliance.decisions import decide
from compliance.terms import RightsTable, Use
from compliance.tests.test_decisions import USES, terms
from execution import patterns
from execution.executor import orchestrator
from execution.executor.provider_calls import ProviderCalls
from execution.tests.fakes import document, step

SOURCES = ("ledger", "bokeh-wiki", "ecb", "fred/DGS10", "fred/BAA10Y", "fmp")
DAY = date(2026, 3, 2)

offered = Registry()


@offered.capability("made.read", agent="maker")
def read(ctx: RequestContext, *, number: int) -> Result[dict[str, int]]:
    return Result({"bits": 1 << number}, sources=(SOURCES[number],), asof=ctx.asof_date, ttl=0)


@offered.capability("made.copy", agent="maker")
def copy(ctx: RequestContext, *, of: int) -> Result[dict[str, int]]:
    return Result({"bits": of}, sources=(), asof=ctx.asof_date, ttl=0)


@offered.capability("made.sum", agent="maker")
def add(ctx: RequestContext, *, one: int, other: int) -> Result[dict[str, int]]:
    return Result({"bits": one | other}, sources=(), asof=ctx.asof_date, ttl=0)


@offered.capability("made.rename", agent="maker")
def rename(ctx: RequestContext, *, row: dict[str, Any]) -> Result[dict[str, Any]]:
    return Result({"bits": row["old"]["bits"], "rows": [{"name": row["old"]}]}, sources=(), asof=ctx.asof_date, ttl=0)


@lru_cache
def _from_cache(number: int) -> Result[dict[str, int]]:
    return Result({"bits": 1 << number}, sources=(SOURCES[number],), asof=DAY, ttl=0)


@offered.capability("made.cached", agent="maker")
def cached(ctx: RequestContext, *, number: int, beside: int) -> Result[dict[str, int]]:
    """A part from a cache that all executions share, and a part of this one."""
    part = _from_cache(number)
    return Result({"bits": part.data["bits"] | beside}, sources=part.sources, asof=ctx.asof_date, ttl=0)


@offered.capability("made.scenario", agent="maker")
def scenario(ctx: RequestContext, *, base: int, shift_by: int) -> Result[dict[str, int]]:
    """A shift by what another step says."""
    return Result({"bits": base | shift_by}, sources=(), asof=ctx.asof_date, ttl=0)


def made_steps(chance):
    steps = [step("made.read", "s0", {"number": chance.randrange(len(SOURCES))})]
    for number in range(1, chance.randint(3, 9)):
        one, other = (f"{{{{state.s{chance.randrange(number)}.bits}}}}" for _ in range(2))
        row = {"old": f"{{{{state.s{chance.randrange(number)}}}}}"}
        source = chance.randrange(len(SOURCES))
        kind, arguments = chance.choice(
            [
                ("read", {"number": source}),
                ("copy", {"of": one}),
                ("sum", {"one": one, "other": other}),
                ("rename", {"row": row}),
                ("cached", {"number": source, "beside": one}),
                ("scenario", {"base": one, "shift_by": other}),
            ]
        )
        more = {"when": f"state.s{chance.randrange(number)}.bits > 0"} if chance.random() < 0.2 else {}
        steps.append(step(f"made.{kind}", f"s{number}", arguments, **more))
    return steps


@pytest.mark.parametrize("seed", range(200))
def test_every_output_of_a_pattern_has_each_source_that_its_value_is_made_of(seed):
    chance = random.Random(seed)
    steps = made_steps(chance)
    pattern = patterns.parse(document(*steps, outputs=[each["as"] for each in steps], panels=[]))

    finished = orchestrator.run(
        pattern, patterns.effective_inputs(pattern, {}), context(), AgentRuntime(offered), ProviderCalls()
    )

    for name, value in finished.outputs.items():
        made_of = {source for number, source in enumerate(SOURCES) if value["bits"] >> number & 1}
        assert made_of <= set(finished.sources[name]), name
        for denied in SOURCES:
            allowing, refusing = (terms(dict.fromkeys(USES, word)) for word in ("attribute", "deny"))
            table = RightsTable({source: refusing if source == denied else allowing for source in SOURCES})
            decision = decide(table, finished.sources[name], Use.CSV, at=DAY)
            assert decision.lets_through is (denied not in finished.sources[name])


def test_a_series_is_asked_by_its_own_row_and_one_without_by_its_host():
    allowing, refusing = (terms(dict.fromkeys(USES, word), word) for word in ("attribute", "deny"))
    table = RightsTable({"fred": refusing, "fred/DGS10": allowing})

    assert decide(table, ["fred/DGS10"], Use.CSV, at=DAY).lets_through
    assert [each.source for each in decide(table, ["fred/DGS10", "fred/BAA10Y"], Use.CSV, at=DAY).refusing] == ["fred"]
