"""Connections to a provider: https to public addresses alone, whatever a name resolves to and an answer asks for."""

import ipaddress
import logging
import re
import socket
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

KEY_PARAMETER = re.compile("(?i:api_?key)")
"""Names of the parameter that holds a key: those whose value no log shows."""
_KEY_IN_ADDRESS = re.compile(rf"({KEY_PARAMETER.pattern}=)[^&\s'\"]+")


class ProviderSession(requests.Session):
    """A session that only goes where it is sent: no redirects, cookies, proxies, netrc, nor anything but https.

    adapter  another way to carry requests, for tests; the environment can't name one
    """

    def __init__(self, adapter: BaseAdapter | None = None) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.adapters.clear()
        self.mount("https://", adapter or PublicAdapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None. `allow_redirects=False` would do, but reads the redirecting answer to its end, however long it is."""


class PublicAdapter(HTTPAdapter):
    """Carries https to public addresses, each request once: whether to try again is not decided here."""

    def __init__(self) -> None:
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"https": _PublicPool}


class _PublicConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        try:
            addresses = {str(entry[4][0]) for entry in socket.getaddrinfo(name, self.port, type=socket.SOCK_STREAM)}
        except OSError as error:
            raise NewConnectionError(self, "the name is not known") from error
        if not all(_is_public(address) for address in addresses):
            raise NewConnectionError(self, "the name resolves to an address that is not public")
        failure: Exception = NewConnectionError(self, "the name has no address")
        for address in sorted(addresses, key=lambda text: (":" in text, text)):
            # what was looked at is what is connected to; the certificate is still checked against the name
            self._dns_host = address
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError) as unreachable:
                failure = unreachable
            finally:
                self._dns_host = name
        raise failure


class _PublicPool(HTTPSConnectionPool):
    ConnectionCls = _PublicConnection


def _is_public(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return parsed.is_global and not parsed.is_multicast


class _WithoutKeys(logging.Filter):
    """urllib3 logs whole addresses, at DEBUG all of them."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _KEY_IN_ADDRESS.sub(r"\1…", record.getMessage()), ()
        return True


for _name in ("urllib3.connectionpool", "urllib3.connection", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_WithoutKeys())
