"""What a reduced export keeps never tells of what it leaves out."""

import itertools
import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from execution.exports import manifest, refusal
from execution.patterns import panel_values

SOURCES = ("a", "b", "c")


@st.composite
def portfolios(draw):
    """A result with its lineage as steps make it: holdings by source, totals of some of them, weights and returns of totals; and
    quantities, which rest on the ledger alone. Values are long, so that no two of them give a third by chance."""
    count, chance = draw(st.integers(2, 6)), random.Random(draw(st.integers(0, 2**64)))
    held = [
        {
            "symbol": f"S{number}",
            "source": draw(st.sampled_from(SOURCES)),
            "value": Decimal(chance.randrange(1, 10**20)),
        }
        for number in range(count)
    ]
    result, sources = {}, {}

    def add(name, value, of):
        result[name] = value
        sources[name] = sorted({each["source"] for each in of})

    for number, each in enumerate(held):
        add(f"value_{number}", {"symbol": each["symbol"], "amount": str(each["value"])}, [each])
    for size in range(2, count + 1):
        some = held[:size]
        total = sum(each["value"] for each in some)
        add(f"total_{size}", {"amount": str(total)}, some)
        add(f"weight_{size}", {"amount": str(some[0]["value"] / total)}, some)
    add("quantities", [{"symbol": each["symbol"], "amount": "1"} for each in held], [])
    add("by_symbol", [{each["symbol"]: {"lots": 1}} for each in held[:1]], [])
    add("list", [{"winners": [each["symbol"] for each in held[1:]], "as": {"text": held[0]["symbol"]}}], [])
    return held, result, sources


def amounts(value):
    if isinstance(value, dict):
        own = [Decimal(value["amount"])] if value.get("amount") else []
        return own + [each for inner in value.values() for each in amounts(inner)]
    return [each for inner in value for each in amounts(inner)] if isinstance(value, list) else []


def combinations(known):
    """Sums, differences, products and quotients of any two, and sums and differences of any subset."""
    for one, other in itertools.permutations(known, 2):
        yield from (one + other, one - other, one * other, one / other)
    for size in range(1, min(len(known), 8) + 1):
        for some in itertools.combinations(known[:8], size):
            yield sum(some)
            yield some[0] - sum(some[1:])


@given(portfolios(), st.sampled_from(SOURCES))
def test_nothing_that_was_left_out_comes_out_of_what_stays(portfolio, denied):
    held, result, sources = portfolio
    refused = {name for name, codes in sources.items() if denied in codes}
    symbols = {each["symbol"] for each in held if each["source"] == denied}

    left_out = refusal.find_unsafe(result, refused, securities=(), names=symbols)
    kept = manifest.without(result, left_out)

    known = [each for each in amounts(kept) if each]
    secret = {each["value"] for each in held if each["source"] == denied}
    assert not {each for each in combinations(known) if each in secret}
    assert not symbols & set(_words(kept))
    assert all(kept[name] == result[name] for name in result if name not in left_out)


def _words(value):
    """Every text and key of a result."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _words(each)


def test_a_panel_goes_with_any_output_that_it_reads():
    document = {
        "panels": [
            {"id": "one", "rows": "{{state.a.rows}}"},
            {"id": "both", "items": [{"value": "{{state.a.x}}"}, {"value": "{{state.b.x}}"}]},
            {"id": "none", "x": "{{ctx.asof_date}}"},
        ]
    }

    assert refusal.safe_panels(document, {"b"}) == ("one", "none")
    assert panel_values.outputs_of(document["panels"][1]) == {"a", "b"}
