"""Personal tokens: made for a user's programs, shown once, found again by their digest, revoked for ever."""

import hashlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now

from config import plain_text, scope
from config.errors import TieoutError
from config.models import PersonalToken, TokenScope

BEGINNING = "tieout_"
FORM = re.compile(BEGINNING + r"(?P<user>[0-9]{1,9})_(?P<secret>[A-Za-z0-9_-]{43})", re.ASCII)
"""A token names its user, for whom alone the database shows it, and has 32 random bytes."""
SHOWN_CHARACTERS = 6
"""Of the random ones: by them its user knows a token again, and nobody guesses the rest."""
MOST_USABLE = 50
"""Tokens of one user that can be used at the same time."""
LONGEST_DAYS, USUAL_DAYS = 366, 90
LAST_USED_STEP = timedelta(minutes=1)


class TooManyTokens(TieoutError):
    def __init__(self) -> None:
        super().__init__(f"{MOST_USABLE} tokens can be used at the same time: revoke one first")


def is_personal(text: str) -> bool:
    """Whether a credential claims to be a personal token."""
    return text.startswith(BEGINNING)


@transaction.atomic
def issue(
    user: Any, *, name: str, scopes: Collection[TokenScope], days: int, now: datetime
) -> tuple[PersonalToken, str]:
    """A new token, and its text, which is nowhere else. Raises TooManyTokens, and ValidationError for a name that is none."""
    plain_text.require_visible(name)
    if usable(user, now).count() >= MOST_USABLE:
        raise TooManyTokens
    beginning, secret = f"{BEGINNING}{user.pk}_", secrets.token_urlsafe(32)
    token = PersonalToken.objects.create(
        user=user,
        name=name,
        prefix=beginning + secret[:SHOWN_CHARACTERS],
        digest=_digest(beginning + secret),
        scopes=[each.value for each in TokenScope if each in scopes],
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    return token, beginning + secret


def usable(user: Any, now: datetime) -> Any:
    """The user's tokens that have neither expired nor been revoked."""
    return PersonalToken.objects.filter(user=user, revoked_at=None, expires_at__gt=now)


def find(text: str, now: datetime) -> PersonalToken | None:
    """The token of this text, with its user, and that it was used; None where it can't be used, for whatever reason."""
    match = FORM.fullmatch(text)
    user = match and get_user_model().objects.filter(pk=int(match["user"]), is_active=True).first()
    if not user:
        return None
    with scope.acting_as(user), transaction.atomic():
        token: PersonalToken | None = usable(user, now).filter(digest=_digest(text)).first()
        if token is not None:
            token.user = user
            _note_use(token, now)
    return token


@transaction.atomic
def revoke(user: Any, token_id: int) -> bool:
    """End a token of the user; whether there was one to end."""
    return bool(PersonalToken.objects.filter(pk=token_id, user=user, revoked_at=None).update(revoked_at=Now()))


def _note_use(token: PersonalToken, now: datetime) -> None:
    """Once a minute. A request that comes while another one writes it down does not wait for that one's end."""
    if token.last_used_at is None or token.last_used_at <= now - LAST_USED_STEP:
        free = PersonalToken.objects.filter(pk=token.pk, revoked_at=None).select_for_update(skip_locked=True)
        PersonalToken.objects.filter(pk__in=free.values("pk")).update(last_used_at=now)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
