"""What each group of the staff may see and change in the admin: `staff_rights.csv`, brought into the database by `migrate`.

Nobody but a superuser sees users: their names, addresses and log-ins are no group's.
"""

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.contrib.auth.models import Group, Permission
from django.db import transaction

TABLE = Path(__file__).with_name("staff_rights.csv")


@cache
def read() -> Mapping[str, Mapping[str, frozenset[str]]]:
    """Group -> model, as app.model in small letters -> view, add, change, delete."""
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    groups = [name for name in rows[0] if name != "model"]
    return {group: {row["model"]: frozenset(row[group].split()) for row in rows} for group in groups}


@transaction.atomic
def apply() -> None:
    """Make the groups that are not there, and give each what the table says and nothing else."""
    permission_ids = {
        (f"{app}.{codename}"): pk
        for app, codename, pk in Permission.objects.values_list("content_type__app_label", "codename", "pk")
    }
    for name, models in read().items():
        group, _ = Group.objects.get_or_create(name=name)
        group_permissions = {
            permission_ids[each] for model, verbs in models.items() for each in permissions(model, verbs)
        }
        group.permissions.set(group_permissions)


def permissions(model: str, verbs: frozenset[str]) -> set[str]:
    """Django's names of them: app.verb_model."""
    app, _, name = model.partition(".")
    return {f"{app}.{verb}_{name}" for verb in verbs}
