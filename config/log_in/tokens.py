"""What ends the tokens that renew others: a log-out, by the number of log-outs that each of them carries."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from config.models import LogOuts

CLAIM = "log_outs"


def count_log_outs(user_id: int) -> int:
    return LogOuts.objects.filter(user_id=user_id).values_list("count", flat=True).first() or 0


@transaction.atomic
def end_all(user: AbstractBaseUser) -> None:
    """End the tokens that the user was given so far."""
    LogOuts.objects.get_or_create(user_id=user.pk)
    LogOuts.objects.filter(user_id=user.pk).update(count=F("count") + 1)
