"""A running service as one of its users meets it, and its database and Redis as whoever broke in would.

`set_up` joins the environment of this checkout, so that `make serve` in another terminal is what is attacked. Log-ins are made
from the database: the log-in itself is not what is tried here.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import django
import psycopg
import requests
from django.db import transaction

from config import embedded, env

TIMEOUT_S = 120
CSRF = "c" * 32
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
    _logged_in: tuple[dict[str, str], dict[str, str]] | None = None

    def __post_init__(self) -> None:
        from rest_framework_simplejwt.tokens import AccessToken

        self._client.trust_env = False
        if self._logged_in is not None:
            self._token, self._cookie = self._logged_in
            return
        self._token = {"Authorization": f"Bearer {AccessToken.for_user(self.user)}"}
        session = _new_session(self.user, self.in_session)
        self.cookie = f"sessionid={session}"
        self._cookie = {"Cookie": f"{self.cookie}; csrftoken={CSRF}", "X-CSRFToken": CSRF}

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

    def nobody(self, method: str, path: str, **how: Any) -> requests.Response:
        """Any request without a credential."""
        return self._send(method, path, {}, **how)

    def again(self) -> "Person":
        """The same log-ins, over connections of their own: a thread needs its own."""
        return replace(self, _client=requests.Session(), _logged_in=(self._token, self._cookie))

    def _send(self, method: str, path: str, credential: dict[str, str], **how: Any) -> requests.Response:
        headers = {**credential, **how.pop("headers", {})}
        how = {"allow_redirects": False, "timeout": TIMEOUT_S, **how}
        self._client.cookies.clear()
        return self._client.request(method, self.url + path, headers=headers, **how)


@contextmanager
def staff(url: str, username: str) -> Iterator[Person]:
    """A member of the staff, with a second factor for as long as the block."""
    from django_otp import DEVICE_ID_SESSION_KEY
    from django_otp.plugins.otp_totp.models import TOTPDevice

    user = Person(url, username).user
    device = TOTPDevice.objects.create(user=user, name="chaos", confirmed=True)
    try:
        yield Person(url, username, {DEVICE_ID_SESSION_KEY: device.persistent_id})
    finally:
        device.delete()


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

    server = connection.settings_dict
    session = psycopg.connect(
        host=server["HOST"], port=server["PORT"], dbname=server["NAME"], user="postgres", autocommit=True
    )
    session.execute("SET session_replication_role = replica")
    return session


def status_of(url: str) -> int:
    """The status of an answer to nobody in particular, over a connection of its own."""
    return requests.get(url, timeout=TIMEOUT_S).status_code


def routes() -> list[str]:
    """Every route of the service, as Django writes it: `v1/executions/<uuid:execution_id>`."""
    from django.urls import URLPattern, get_resolver

    def walk(patterns: Any, before: str) -> Iterator[str]:
        for each in patterns:
            path = before + re.sub(
                r"\(\?P<(\w+)>[^)]*\)|[\^$]|\\Z", lambda part: f"<{part[1]}>" if part[1] else "", str(each.pattern)
            )
            if isinstance(each, URLPattern):
                yield path
            else:
                yield from walk(each.url_patterns, path)

    return sorted(set(walk(get_resolver().url_patterns, "")))


def known_objects(person: Person) -> list[str]:
    """What a path may name: ids, slugs and keys that are there, and some that are not."""
    with superuser() as session:
        rows = [
            *session.execute("SELECT id::text FROM portfolio_portfolio UNION SELECT slug FROM portfolio_portfolio"),
            *session.execute("SELECT id::text FROM execution_execution ORDER BY started_at DESC LIMIT 20"),
            *session.execute("SELECT id FROM pricing_pricingpack ORDER BY asof_date DESC LIMIT 5"),
            *session.execute("SELECT id FROM execution_pattern"),
        ]
    numbers = [
        "0",
        "1",
        "2",
        "17",
        "-1",
        "999999999999999999999",
        "00000000-0000-4000-8000-000000000000",
        "auth",
        "execution",
        "nothing",
    ]
    return [text for (text,) in rows] + numbers
