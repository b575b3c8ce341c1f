"""Who besides its owner may see a portfolio: given for a time, and taken back. The database decides who may do either."""

from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.utils import timezone

from config import scope
from config.errors import TieoutError
from portfolio.models import AccessRole, Portfolio, PortfolioAccess


class AccessRefused(TieoutError):
    """Access can't be given so. field: of username, role, until, reason, portfolio."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field, self.reason = field, reason


class AccessNotFound(TieoutError):
    def __init__(self) -> None:
        super().__init__("there is no such access")


@transaction.atomic
def give(portfolio: Portfolio, *, username: str, role: str, until: datetime | None, by: int) -> PortfolioAccess:
    """Let a user see a portfolio of `by`, until a moment or until it is taken back; who has access gets this one instead.

    raises   AccessRefused
    """
    if role not in (AccessRole.VIEWER, AccessRole.ADVISER):
        raise AccessRefused("role", f"is one of {AccessRole.VIEWER}, {AccessRole.ADVISER}")
    if until is not None and until <= timezone.now():
        raise AccessRefused("until", "is over already")
    can_be_name = "\0" not in username  # which PostgreSQL refuses in a text
    user = get_user_model().objects.filter(username=username, is_active=True).first() if can_be_name else None
    if user is None:
        raise AccessRefused("username", "there is no user of that name")
    if user.pk == portfolio.owner_id:
        raise AccessRefused("username", "is the owner, who sees it anyway")
    access, _ = PortfolioAccess.objects.update_or_create(
        portfolio=portfolio,
        user=user,
        defaults={"role": role, "until": until, "granted_by_id": by, "granted_at": timezone.now(), "reason": ""},
    )
    return access


@transaction.atomic
def take_back(portfolio: Portfolio, access_id: int) -> None:
    """Nobody sees the portfolio by this access any more. Raises AccessNotFound."""
    deleted, _ = PortfolioAccess.objects.filter(pk=access_id, portfolio=portfolio).delete()
    if not deleted:
        raise AccessNotFound


@transaction.atomic
def open_to_staff(slug: str, *, until: datetime, reason: str) -> UUID:
    """Let the member of the staff who asks see a portfolio for a reason, which its owner reads. Gives back the portfolio.

    raises   AccessRefused where there is no such portfolio, and where the reason or the end is missing, past or too far
    """
    reason = reason.strip()[:400]
    if not reason:
        raise AccessRefused("reason", "say why: the owner reads it")
    now = timezone.now()
    if not now < until <= now + PortfolioAccess.LONGEST_OF_STAFF:
        raise AccessRefused("until", f"is at most {PortfolioAccess.LONGEST_OF_STAFF.days} days from now")
    with scope.because(reason), connection.cursor() as cursor:
        cursor.execute("SELECT open_to_staff(%s, %s, %s)", [slug, until, reason])
        (portfolio_id,) = cursor.fetchone()
    if portfolio_id is None:
        raise AccessRefused("portfolio", "there is none of that name")
    return UUID(str(portfolio_id))
