"""The ledger's only way in: lock, parse, commit, rows.

What a person enters or imports is a commit first and rows second. Rows carry the revisions they belong to, so that an entry
that a commit leaves alone keeps its row, and what was computed from an older revision still finds its own.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from config import locks
from config.errors import TieoutError
from portfolio.books import booking_settings, ledger_reading, revision_rows, revisions
from portfolio.books.ledger_reading import Reading
from portfolio.books.revision_rows import StoredRevision
from portfolio.ledger import journal, statement
from portfolio.ledger.reader import LoadingProcess
from portfolio.ledger.repository import LedgerMoved, LedgerRepository
from portfolio.ledger.screening import LedgerRefused
from portfolio.models import LedgerRevision, Portfolio, RevisionStatus
from pricing.models import Security

logger = logging.getLogger(__name__)

MAX_RACES = 5


class PortfolioNotInLedger(TieoutError):
    """The ledger has no folder for the portfolio: a failure, not an empty portfolio."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"the ledger has no folder {slug}")
        self.slug = slug


def lock(portfolio: Portfolio) -> None:
    """One writer a portfolio, until the transaction ends. Whoever adds to a folder takes it before reading that."""
    locks.lock_until_commit(f"ledger {portfolio.pk}")


@contextmanager
def writing(repository: LedgerRepository) -> Iterator[None]:
    """One writer of the repository at a time, of whatever portfolio; what a killed one has left locked is free again."""
    with locks.session_lock("ledger repository"):
        repository.remove_lock_files()
        yield


def check(*, portfolio: Portfolio, files: Mapping[str, bytes], today: date) -> Reading:
    """Read the files as `take_in` would; nothing is written. Raises LedgerRefused as that does."""
    reading = ledger_reading.read(portfolio, files, today=today)
    ledger_reading.require_quote_units(portfolio, reading)
    return reading


def take_in(
    *,
    portfolio: Portfolio,
    files: Mapping[str, bytes],
    message: str,
    author: str,
    at: datetime,
    founding: Mapping[str, bytes] | None = None,
    checked: Reading | None = None,
) -> StoredRevision:
    """Commit a portfolio's ledger folder and its rows. What can't be read, booked or valued is refused before the commit.

    founding  of a ledger that begins here: what it is without this change, as a commit before, to which an undo can return
    checked   what `check` gave for the same files, under the same lock
    raises    LedgerRefused with file, line and reason of all that is wrong; LedgerMoved after losing the race five times
    """
    with transaction.atomic():
        lock(portfolio)
        reading = checked or check(portfolio=portfolio, files=files, today=at.date())
        with LedgerRepository.open_or_create(settings.LEDGER_PATH) as repository:
            require_forward(repository, repository.head())
            with writing(repository):
                for race in range(MAX_RACES):
                    try:
                        head = repository.head()
                        if founding is not None:
                            head = repository.commit(
                                portfolio.slug,
                                founding,
                                message="open the ledger",
                                author=author,
                                at=at,
                                expected_head=head,
                            )
                        commit = repository.commit(
                            portfolio.slug, files, message=message, author=author, at=at, expected_head=head
                        )
                        break
                    except LedgerMoved:  # by a program that is none of ours, and does not know our lock
                        if race == MAX_RACES - 1:
                            raise
            tree = repository.tree_hash(commit, portfolio.slug)
        if tree is None:
            raise PortfolioNotInLedger(portfolio.slug)
        return revision_rows.store(portfolio, commit, tree, reading)


def sync(*, portfolio: Portfolio, commit: str | None = None) -> LedgerRevision:
    """The revision of a commit (None: the newest), read now if the folder differs from the last one read.

    A folder that can't be read becomes a `broken` revision with its reason; the rows stay as they were. A commit that came
    before the last one read is answered by the revision that it was.
    raises   PortfolioNotInLedger, LedgerUnavailable, LedgerRewritten
    """
    with LedgerRepository(settings.LEDGER_PATH) as repository, transaction.atomic():
        lock(portfolio)  # first: a head read before somebody else's commit would come in as if it were newer
        head = commit or repository.head()
        tree = repository.tree_hash(head, portfolio.slug) if head else None
        if head is None or tree is None:
            raise PortfolioNotInLedger(portfolio.slug)
        last = revisions.newest(portfolio)
        if last is not None and last.tree_hash == tree and not booking_settings.is_of_older_rules(last):
            return last
        if commit is not None and (before := _find_read_before(repository, portfolio, commit, tree)) is not None:
            return before
        require_forward(repository, repository.head())  # not the given commit: others may have entered since
        try:
            reading = ledger_reading.read(portfolio, repository.files(head, portfolio.slug), today=date.max)
        except LedgerRefused as refusal:
            logger.warning("ledger revision is broken", extra={"commit": head, "portfolio_id": str(portfolio.pk)})
            return revision_rows.open_revision(
                portfolio, head, tree, status=RevisionStatus.BROKEN, reason=str(refusal)[:4000]
            )
        return revision_rows.store(portfolio, head, tree, reading).revision


def _find_read_before(
    repository: LedgerRepository, portfolio: Portfolio, commit: str, tree: str
) -> LedgerRevision | None:
    """The last revision of that folder, where one was read at the commit or after it."""
    alike = LedgerRevision.objects.filter(portfolio=portfolio, tree_hash=tree).order_by("-number").first()
    if alike is None:
        return None
    later = LedgerRevision.objects.filter(portfolio=portfolio, number__gt=alike.number).order_by("number").first()
    if later is not None and repository.commit_exists(later.commit) and repository.is_ancestor(commit, later.commit):
        return alike
    return None


def require_forward(repository: LedgerRepository, head: str | None) -> None:
    """The branch must still hold what was read from it last, of whatever portfolio. Raises LedgerRewritten."""
    read = LedgerRevision.objects.order_by("-pk").values_list("commit", flat=True).first()
    if read is not None:
        repository.require_forward(read, head)


def read_statement(
    *, portfolio: Portfolio, revision: LedgerRevision, child: LoadingProcess | None = None
) -> statement.Statement:
    """The ledger's own statement at a revision, loaded now by Beancount in the child, or in a process of its own.

    raises   LedgerRefused where the folder can't be read any more, LedgerUnavailable
    """
    own_settings = booking_settings.effective(portfolio, revision)
    with LedgerRepository(settings.LEDGER_PATH) as repository:
        reading, transactions = journal.read(repository.files(revision.commit, portfolio.slug), child=child)
    symbols = ledger_reading.symbols(transactions)
    return statement.from_reading(
        reading,
        transactions,
        method=own_settings.booking_method,
        fees_in_cost=own_settings.fees_in_cost,
        trading=dict(Security.objects.filter(symbol__in=symbols).values_list("symbol", "currency")),
    )
