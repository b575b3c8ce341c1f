"""A receiver of Sentry's envelopes on loopback: what arrived, as bytes and as reports."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """`bodies` is what came, unpacked; `delay_s` makes it slow, and `status` is what it answers with."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.delay_s, self.status = 0.0, 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.headers.append(dict(self.headers))
                outer.bodies.append(body)
                time.sleep(outer.delay_s)
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.dsn = f"http://key@127.0.0.1:{self._server.server_port}/1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def reports(self) -> list[dict[str, Any]]:
        return [report for body in list(self.bodies) for report in _reports(body)]

    def wait_for(self, count: int, seconds: float = 10) -> list[dict[str, Any]]:
        """The reports, once there are so many and no other has followed for a moment."""
        until = time.monotonic() + seconds
        while len(self.reports) < count and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.3)
        return self.reports


@contextmanager
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made._thread.start()
    try:
        yield made
    finally:
        made._server.shutdown()
        made._server.server_close()
        made._thread.join()


def _reports(body: bytes) -> Iterator[dict[str, Any]]:
    """An envelope is a line of headers; then for each item a line of its headers, and its content, of the length they say."""
    at = body.index(b"\n") + 1
    while at < len(body):
        end = body.index(b"\n", at)
        item = json.loads(body[at:end])
        length = item.get("length", len(body) - end - 1)
        if item["type"] == "event":
            yield json.loads(body[end + 1 : end + 1 + length])
        at = end + 1 + length + 1
