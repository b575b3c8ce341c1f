"""What another table of rights would change of what is answered: seen on the newest execution of each pattern and portfolio."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from compliance.decisions import decide
from compliance.terms import Outcome, RightsTable, Use
from execution.models import Execution, ExecutionStatus
from portfolio.models import Portfolio


@dataclass(frozen=True, slots=True)
class RightsEffect:
    """One output that would be decided otherwise for a use. `portfolio` is its slug, empty for a pattern without one."""

    pattern_id: str
    portfolio: str
    output: str
    use: Use
    before: Outcome
    after: Outcome


def find_effects(before: RightsTable, after: RightsTable, *, at: date) -> list[RightsEffect]:
    """Every output, of executions that the asking user may see, whose decision differs between the two tables on the day `at`."""
    slugs = dict(Portfolio.objects.values_list("id", "slug"))
    rows = (
        Execution.objects.filter(status=ExecutionStatus.DONE)
        .order_by("pattern_version__pattern_id", "portfolio_id", "-started_at")
        .distinct("pattern_version__pattern_id", "portfolio_id")
        .values_list("pattern_version__pattern_id", "portfolio_id", "sources")
    )
    return [
        RightsEffect(pattern_id, slugs.get(portfolio_id, "") if portfolio_id else "", output, use, *outcomes)
        for pattern_id, portfolio_id, sources in rows
        for output, codes in sources.items()
        for use, *outcomes in _differing(before, after, codes, at)
    ]


def _differing(
    before: RightsTable, after: RightsTable, codes: list[str], at: date
) -> Iterator[tuple[Use, Outcome, Outcome]]:
    for use in Use:
        old, new = (
            decide(table, codes, use, at=at, environment=settings.RIGHTS_ENVIRONMENT).outcome
            for table in (before, after)
        )
        if old is not new:
            yield use, old, new
