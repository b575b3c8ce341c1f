"""How a worker of gunicorn serves: by waitress, which has read a request whole before one of its threads answers it.

So whoever sends half a request holds no thread, and is closed after READ_TIMEOUT_S without a byte. gunicorn's own threads read as
they answer, without an end: a few half-sent requests would be all of them.
"""

import os
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server

READ_TIMEOUT_S: Final = 10
MOST_CONNECTIONS: Final = 500
MOST_BODY_BYTES: Final = 16 * 1024 * 1024
"""More than any door of ours takes, each of which refuses at its own limit in its own words."""
POLL_S: Final = 1

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WebWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn starts, watches and stops it; its hooks and its log are as with any other worker."""

    def run(self) -> None:
        connections: dict[int, Any] = {}
        server = create_server(
            self._served(self.wsgi),
            map=connections,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            channel_timeout=READ_TIMEOUT_S,
            cleanup_interval=1,
            connection_limit=MOST_CONNECTIONS,
            max_request_body_size=MOST_BODY_BYTES,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=False,  # the settings say which are believed
            ident=None,
        )
        while self.alive and self.ppid == os.getppid():
            self._serve_some(connections)
        self._finish(connections)
        server.task_dispatcher.shutdown()

    def _serve_some(self, connections: dict[int, Any]) -> None:
        self.notify()
        wasyncore.loop(timeout=POLL_S, use_poll=True, map=connections, count=1)

    def _finish(self, connections: dict[int, Any]) -> None:
        """Take no more, and send the answers that are under way."""
        for each in connections.values():
            if isinstance(each, BaseWSGIServer):
                each.accepting = False
        until = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < until and any(map(_is_answering, list(connections.values()))):
            self._serve_some(connections)

    def _served(self, application: Wsgi) -> Wsgi:
        """The application, each of whose answers is a line of gunicorn's access log, and without a body where HEAD asks."""

        def served(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            started, response = time.monotonic(), SimpleNamespace(status="500", headers=[], sent=None)

            def start(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
                lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
                response.status, response.headers, response.sent = status, headers, sum(lengths)
                return start_response(status, headers, *failure)

            answer = application(environ, start)
            environ.setdefault("RAW_URI", environ.get("REQUEST_URI", ""))
            self.log.access(response, [], environ, timedelta(seconds=time.monotonic() - started))
            return _without_body(answer) if environ["REQUEST_METHOD"] == "HEAD" else answer

        return served


def _without_body(answer: Iterable[bytes]) -> Iterable[bytes]:
    """Nothing, after what would have been sent is let go. waitress sends what it is given, and a client of HEAD would take that for
    the next answer."""
    if hasattr(answer, "close"):
        answer.close()
    return ()


def _is_answering(each: object) -> bool:
    return isinstance(each, HTTPChannel) and bool(each.requests or each.total_outbufs_len)
