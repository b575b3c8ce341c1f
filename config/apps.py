from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_out


class ConfigConfig(AppConfig):
    name = "config"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        user_logged_out.connect(_end_tokens, dispatch_uid="config.end_tokens")
        import config.broker  # noqa: F401  # what this process sends goes to our broker


def _end_tokens(*, user: Any, **_: Any) -> None:
    """By whichever door the user leaves: pages and admin have one each."""
    from config.log_in import tokens

    if user is not None:
        tokens.end_all(user)
