"""What another table of rights would change of what is answered: seen on the newest execution of each pattern and portfolio."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from compliance.decisions import decide
from compliance.terms import Outcome, RightsTable, Use
from execution.models import Execution, ExecutionStatus
from execution.patterns import panel_values
from portfolio.models import Portfolio


@dataclass(frozen=True, slots=True)
class RightsEffect:
    """One output that would be decided otherwise for a use, with the titles of the panels that read it.

    portfolio  its slug, empty for a pattern without one
    """

    pattern_id: str
    portfolio: str
    output: str
    panels: tuple[str, ...]
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
        .values_list("pattern_version__pattern_id", "portfolio_id", "sources", "pattern_version__document")
    )
    return [
        RightsEffect(
            pattern_id,
            slugs.get(portfolio_id, "") if portfolio_id else "",
            output,
            tuple(panel["title"] for panel in document["panels"] if output in panel_values.outputs_of(panel)),
            use,
            *outcomes,
        )
        for pattern_id, portfolio_id, sources, document in rows
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
