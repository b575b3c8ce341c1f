"""PostgreSQL as Django has it, with two rules added: who asks is told at the start of each transaction, and a role that
row-level security does not bind is refused at the door."""

from typing import Any

from django.db.backends.postgresql import base

from config import scope
from config.errors import TieoutError


class WrongRole(TieoutError):
    """The login role would see every portfolio, so nothing may run under it."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"database role {role} is superuser or bypasses row-level security: log in as app (web), job (jobs) or owner (migrate)"
        )
        self.role = role


class DatabaseWrapper(base.DatabaseWrapper):
    def init_connection_state(self) -> None:
        super().init_connection_state()
        if self.alias == "default" and self.settings_dict["USER"] != "postgres":
            with self.cursor() as cursor:
                cursor.execute("SELECT rolname, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
                role, unbound = cursor.fetchone()
            if unbound:
                raise WrongRole(role)

    def set_autocommit(self, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        super().set_autocommit(autocommit, *args, **kwargs)
        if not autocommit:
            scope.tell(self)
