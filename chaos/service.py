"""A running service as one of its users meets it, and its database and Redis as whoever broke in would.

`set_up` joins the environment of this checkout, so that `make serve` in another terminal is what is attacked. Log-ins are made
from the database: the log-in itself is not what is tried here.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import django
import psycopg
import requests
from django.db import transaction

from config import embedded, env

TIMEOUT_S = 120
DIFFERS = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"|X-Request-ID|nonce="[^"]*"')
"""What is another in each answer of a page."""


def set_up() -> str:
    """Make the settings and the rows of this checkout usable; the address of its service."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    embedded.provide("app")
    django.setup()
    return f"http://127.0.0.1:{env.integer('PORT', default=8000)}"


@dataclass
class Person:
    """Somebody with a token and with a session in a browser."""

    url: str
    username: str
    in_session: dict[str, str] = field(default_factory=dict)
    """What the session has beside the user: a second factor that was given."""
    _client: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        from rest_framework_simplejwt.tokens import AccessToken

        self._client.trust_env = False
        self._token = {"Authorization": f"Bearer {AccessToken.for_user(self.user)}"}
        self.cookie = f"sessionid={_new_session(self.user, self.in_session)}"
        self._cookie = {"Cookie": self.cookie}

    @property
    def user(self) -> Any:
        from django.contrib.auth import get_user_model

        return get_user_model().objects.get(username=self.username)

    def portfolio_id(self, slug: str) -> str:
        from config import scope
        from portfolio.models import Portfolio

        with scope.acting_as(self.user), transaction.atomic():
            return str(Portfolio.objects.get(slug=slug).pk)

    def call(self, method: str, path: str, **how: Any) -> requests.Response:
        """A request with the token."""
        return self._send(method, path, self._token, **how)

    def look(self, path: str, **how: Any) -> requests.Response:
        """A page, as the browser asks for it."""
        return self._send("GET", path, self._cookie, **how)

    def browse(self, method: str, path: str, **how: Any) -> requests.Response:
        """Any request with the cookie of the session."""
        return self._send(method, path, self._cookie, **how)

    def _send(self, method: str, path: str, credential: dict[str, str], **how: Any) -> requests.Response:
        headers = {**credential, **how.pop("headers", {})}
        how = {"allow_redirects": False, "timeout": TIMEOUT_S, **how}
        self._client.cookies.clear()
        return self._client.request(method, self.url + path, headers=headers, **how)


def _new_session(user: Any, in_session: dict[str, str]) -> str:
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.update(in_session)
    session.create()
    return str(session.session_key)


def text_of(page: requests.Response) -> str:
    """What a page says, without what is another each time."""
    return DIFFERS.sub("", page.text)


@contextmanager
def as_job() -> Iterator[None]:
    """Let Django's connection be the jobs' for the block, which sees all rows."""
    from django.db import connection

    before = connection.settings_dict["USER"]
    connection.close()
    connection.settings_dict["USER"] = "job"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = before


def superuser() -> psycopg.Connection[Any]:
    """A session of the embedded server in which no trigger and no row-level security holds."""
    from django.db import connection

    known = connection.settings_dict
    session = psycopg.connect(
        host=known["HOST"], port=known["PORT"], dbname=known["NAME"], user="postgres", autocommit=True
    )
    session.execute("SET session_replication_role = replica")
    return session
