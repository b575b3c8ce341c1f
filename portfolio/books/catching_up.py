"""A ledger that is ahead of its rows: a process was killed between its commit and them, or somebody else has committed."""

import logging
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.db import transaction

from config import doctor
from config.counts import number_of
from config.errors import TieoutError
from portfolio.books import entry, writer
from portfolio.ledger.repository import LedgerRepository, LedgerUnavailable
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus

logger = logging.getLogger(__name__)


def catch_up(portfolio: Portfolio) -> None:
    """Read what the ledger has and the rows lack, and reconcile it.

    Whoever previews, enters or undoes calls this first, so that what is said a second time is finished and not taken for known.
    raises   LedgerUnavailable, LedgerRewritten
    """
    if not find_behind([portfolio]):
        return
    with transaction.atomic():
        revision = writer.sync(portfolio=portfolio)
        if revision.status == RevisionStatus.READ:
            entry.reconcile(portfolio, revision, writer.read_statement(portfolio=portfolio, revision=revision))
    about = {"portfolio_id": str(portfolio.pk), "commit": revision.commit}
    logger.warning("the ledger was ahead of its rows, and is read", extra=about)


def catch_up_all() -> None:
    """The same of every portfolio. One that can't be read does not keep the others from being read."""
    for portfolio in find_behind(Portfolio.objects.order_by("slug")):
        try:
            catch_up(portfolio)
        except TieoutError as failure:
            about = {"portfolio_id": str(portfolio.pk), "failure": type(failure).__name__}
            logger.error("a ledger that is ahead of its rows can't be read", extra=about)


def find_behind(portfolios: Iterable[Portfolio]) -> list[Portfolio]:
    """The portfolios whose folder at the head of the ledger is not that of their newest revision. Raises LedgerUnavailable."""
    if not (Path(settings.LEDGER_PATH) / "objects").is_dir():
        return []
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        head = repository.head()
        trees = {each: repository.tree_hash(head, each.slug) for each in portfolios} if head else {}
    newest = LedgerRevision.objects.filter(portfolio__in=trees).order_by("portfolio_id", "-number")
    read = dict(newest.distinct("portfolio_id").values_list("portfolio_id", "tree_hash"))
    return [portfolio for portfolio, tree in trees.items() if tree is not None and read.get(portfolio.pk) != tree]


def find_advice() -> list[doctor.Fault]:
    """What a killed writer has left. All of it is mended by itself: by the next one who writes, or by the watchdog."""
    if not (Path(settings.LEDGER_PATH) / "objects").is_dir():
        return []
    advice = []
    try:
        with LedgerRepository(settings.LEDGER_PATH) as repository:
            locked = repository.find_lock_files()
            if head := repository.head():
                repository.require_whole(head)
        behind = len(find_behind(Portfolio.objects.all()))
    except LedgerUnavailable as damaged:
        what, _, mend = damaged.reason.partition("; ")
        return [doctor.Fault("ledger", what, mend or "make it readable: LEDGER_PATH")]
    if locked:
        what = f"{number_of(len(locked), 'lock file')}, first {locked[0].name}, left by a writer that was killed, or one writes"
        advice.append(doctor.Fault("ledger", what, "nothing: the next import or entry removes them"))
    if behind:
        what = f"it is ahead of the rows of {number_of(behind, 'portfolio')}"
        advice.append(doctor.Fault("ledger", what, "start worker and beat: the watchdog reads it within a minute"))
    return advice
