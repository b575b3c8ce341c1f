"""What rights cost: one decision on twenty sources, and what asking them adds to a warm answer."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from statistics import median
from time import process_time

from benchmarks import worlds
from benchmarks.measuring import Goal, Line, line, round_robin
from benchmarks.serving import Site, serving, token_of

SOURCES, DECISIONS = 20, 500
MICROSECONDS, SHARE = 100.0, 1.10
REQUESTS, ROUNDS = 200, 9
WITH, WITHOUT = "config.wsgi:application", "benchmarks.floor.without_rights:application"


def decision() -> list[Line]:
    """Twenty sources of all outcomes with twenty licences, and all twenty by licence, beside the strictest of twenty words."""
    from compliance.decisions import decide
    from compliance.terms import LicenceTerms, Outcome, RightsTable, SourceTerms, Use

    codes = [f"source-{number:02}" for number in range(SOURCES)]
    outcomes = [each for each in Outcome if each is not Outcome.DENY]
    licences = tuple(
        LicenceTerms(number, code, "business", frozenset(Use), date(2026, 1, 1), None, "shelf 3")
        for number, code in enumerate(codes)
    )

    def table(choice: Sequence[Outcome]) -> RightsTable:
        terms = {
            code: SourceTerms(code, dict.fromkeys(Use, outcome), f"by {code}", watermark="mark")
            for code, outcome in zip(codes, choice, strict=True)
        }
        return RightsTable(terms, licences)

    mixed = [outcomes[number % len(outcomes)] for number in range(SOURCES)]
    tables = {"of all outcomes": table(mixed), "all by licence": table([Outcome.LICENCE_REQUIRED] * SOURCES)}
    strictness = {code: outcome.strictness for code, outcome in zip(codes, mixed, strict=True)}

    def took(decided: Callable[[], object]) -> Callable[[], float]:
        def run() -> float:
            started = process_time()
            for _ in range(DECISIONS):
                decided()
            return (process_time() - started) / DECISIONS * 1e6

        return run

    def ours(rights: RightsTable) -> Callable[[], object]:
        return lambda: decide(rights, codes, Use.CSV, at=date(2026, 3, 2))

    samples = round_robin(
        {name: took(ours(rights)) for name, rights in tables.items()}
        | {"floor": took(lambda: max(strictness[code] for code in codes))}
    )
    return [
        line(f"decision on {SOURCES} sources, {name}", "µs", samples[name], samples["floor"], goal=Goal(MICROSECONDS))
        for name in tables
    ]


def warm_answer() -> list[Line]:
    """A stored overview through HTTP, beside the same application that asks the rights once and never again."""
    world = worlds.demo()
    (portfolio_id,) = world.row("SELECT id FROM portfolio_portfolio WHERE slug = %s", "public")
    body = {"pattern_id": "portfolio_overview", "portfolio_id": str(portfolio_id)}
    with ExitStack() as stack:
        asking, silent = (stack.enter_context(serving(world, each)) for each in (WITH, WITHOUT))

        def median_ms(site: Site) -> Callable[[], float]:
            token = token_of(site, world, "public-owner")
            return lambda: median(site.ask("/v1/execute", [body] * REQUESTS, token=token, warm_up=[body] * 20)[0])

        samples = round_robin({"ours": median_ms(asking), "floor": median_ms(silent)}, rounds=ROUNDS)
    return [
        line("warm execute with rights, median", "ms", samples["ours"], samples["floor"], goal=Goal(SHARE, of="ratio"))
    ]


CASES: Mapping[str, Callable[[], list[Line]]] = {"rights_decision": decision, "rights_warm": warm_answer}
