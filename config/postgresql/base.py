"""PostgreSQL as Django has it, with two rules added: who asks is told at the start of each transaction and again after a
return to a savepoint, and a role that row-level security does not bind is refused at the door. Queries and connections are counted
as django-prometheus does."""

from typing import Any

from django_prometheus.db.backends.postgresql import base

from config import scope
from config.errors import TieoutError


class WrongRole(TieoutError):
    """The login role would see every portfolio, so nothing may run under it."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"database role {role} is superuser or bypasses row-level security: log in as app (web), job (jobs) or owner (migrate)"
        )
        self.role = role


class DatabaseWrapper(base.DatabaseWrapper):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(scope.write_in_transaction)

    def init_connection_state(self) -> None:
        super().init_connection_state()
        with self.cursor() as cursor:
            # Whoever logged in can become himself again, whatever role he acts in.
            cursor.execute(
                "SELECT rolname FROM pg_roles"
                " WHERE rolname IN (session_user, current_user) AND (rolsuper OR rolbypassrls)"
            )
            unbound = cursor.fetchone()
        if unbound:
            self.close()
            raise WrongRole(*unbound)

    def set_autocommit(self, autocommit: bool, *args: Any, **kwargs: Any) -> None:
        super().set_autocommit(autocommit, *args, **kwargs)
        if not autocommit:
            scope.tell(self)

    def savepoint_rollback(self, sid: str) -> None:
        super().savepoint_rollback(sid)
        scope.tell_again(self)
