"""How much the steps of a plan read, bounded before any of them begins: memory is what a greater portfolio would cost."""

from django.conf import settings

from config.counts import number_of
from config.errors import TieoutError
from execution.executor.planning import Plan
from portfolio.books.revisions import rows_of_revisions
from portfolio.models import Transaction
from pricing.models import PricingPack


class TooMuchToRead(TieoutError):
    """A portfolio is greater than a step may read."""

    def __init__(self, entries: int, securities: int, days: int, limit: int) -> None:
        super().__init__(
            f"{number_of(entries, 'entry')}, and {number_of(days, 'pack day')} of {number_of(securities, 'security')},"
            f" are {number_of(entries + securities * days, 'value')}, and a step may read {limit:,}"
        )
        self.values, self.limit = entries + securities * days, limit


def require_readable(plan: Plan) -> None:
    """Refuse a plan whose steps would read too much: each reads the book and the closes of what is booked at most.

    raises   TooMuchToRead
    """
    if plan.revision is None:
        return
    booked = rows_of_revisions(Transaction.objects.all(), [plan.revision])
    entries = booked.count()
    securities = booked.exclude(security=None).values("security").distinct().count()
    days = (
        PricingPack.objects.filter(policy=plan.pack.policy_id, sequence__lte=plan.pack.sequence)
        .values("asof_date")
        .distinct()
        .count()
    )
    if entries + securities * days > settings.STEP_VALUES:
        raise TooMuchToRead(entries, securities, days, settings.STEP_VALUES)
