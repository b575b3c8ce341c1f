from typing import Any

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class ComplianceConfig(AppConfig):
    name = "compliance"
    verbose_name = "Rights and record"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(_give_staff_their_rights, dispatch_uid="compliance.staff_rights")
        _record_refused_changes()


def _record_refused_changes() -> None:
    from compliance.audit import refusals  # with models, which are there by then

    refusals.begin_recording()


def _give_staff_their_rights(*, sender: AppConfig, plan: Any, **_: Any) -> None:
    """Behind the last app, when the permissions of all of them have been made."""
    from compliance import staff_rights

    is_last = sender is list(apps.get_app_configs())[-1]
    if is_last and not any(backwards for _, backwards in plan):
        staff_rights.apply()
