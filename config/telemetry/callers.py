"""Whose trace we continue, and who is told of ours."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter, Setter, TextMapPropagator, default_getter, default_setter


class TrustedCallers(TextMapPropagator):
    """Takes a trace along between our own processes, and from callers in `networks`.

    Anybody else's request begins a new trace, and no provider is told of one.

    A stranger who names a trace could have his request filed under ours, or switch sampling for us.
    """

    def __init__(self, inner: TextMapPropagator, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._inner, self._networks = inner, tuple(networks)

    def extract(self, carrier: Any, context: Context | None = None, getter: Getter[Any] = default_getter) -> Context:
        """The context that the carrier names: a Celery message, or the WSGI environment of a trusted caller's request."""
        if (
            isinstance(carrier, dict)
            and "REQUEST_METHOD" in carrier
            and not self._trusts(carrier.get("REMOTE_ADDR", ""))
        ):
            return context if context is not None else Context()
        return self._inner.extract(carrier, context, getter)

    def inject(self, carrier: Any, context: Context | None = None, setter: Setter[Any] = default_setter) -> None:
        """Into the headers of a Celery message, which are a plain dict; those of requests are not."""
        if type(carrier) is dict:
            self._inner.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:
        return self._inner.fields

    def _trusts(self, address: str) -> bool:
        try:
            caller = ip_address(address)
        except ValueError:  # a socket of the file system has none
            return False
        return any(caller in network for network in self._networks)
