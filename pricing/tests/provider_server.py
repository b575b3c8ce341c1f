"""A provider on loopback, in the shapes that providers answer in, with every fault they have; and time that a test moves."""

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep
from urllib.parse import parse_qs, urlsplit

from requests.adapters import HTTPAdapter

from pricing.providers.http import SYSTEM_DICE, Client, Clock, Provider

KEY = "canary-4f1c9d"
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # a Friday, noon in New York

Answer = Callable[[BaseHTTPRequestHandler], None]


def sent(body, status=200, **headers) -> Answer:
    """A whole answer. `body` is text or bytes as they are, or what to make JSON of."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()

    def answer(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    return answer


def broken_off(body: str, at: int) -> Answer:
    """Promises all of it, and closes the connection after `at` bytes."""

    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body.encode()[:at])
        handler.close_connection = True

    return answer


def reset(body: str = "", at: int = 0) -> Answer:
    """The connection is reset after `at` bytes; before the status line when there is no body."""

    def answer(handler):
        if body:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body.encode()[:at])
            handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.shutdown(socket.SHUT_RD)
        handler.close_connection = True
        handler.wfile.close()
        handler.rfile.close()
        handler.connection.close()

    return answer


def endless(size: int) -> Answer:
    """`size` bytes without a length, as JSON that never ends."""

    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b'["')
        for _ in range(size // 65536):
            handler.wfile.write(b"x" * 65536)
        handler.close_connection = True

    return answer


HTML = sent("<html><body>We are down for maintenance</body></html>", Content_Type="text/html")
BROKEN_GZIP = sent(gzip.compress(b'{"status": "OK"}')[:-12] + b"\0" * 12, Content_Encoding="gzip")
BOMB = sent(gzip.compress(b'["' + b"x" * 4_000_000), Content_Encoding="gzip")


class Server:
    """Answers with what is in `script`, one a request, the last one for ever. `asked` is what came, `headers` by what,
    `bodies` with what."""

    def __init__(self) -> None:
        self.script: list[Answer] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.headers: list[dict[str, str]] = []
        self.bodies: list[str] = []
        self.over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else a second answer on a connection waits 40 ms for an acknowledgement
            wbufsize = -1  # head and body of an answer go together

            def handle_one_request(self):
                """By hand: the library's reading of headers takes as long as all the rest."""
                self.requestline = self.rfile.readline().decode("latin-1").rstrip()
                headers = {}
                while line := self.rfile.readline().decode("latin-1").strip():
                    name, _, value = line.partition(": ")
                    headers[name.lower()] = value
                self.close_connection = not self.requestline
                if self.requestline:
                    self.command, self.path, self.request_version = self.requestline.split(" ")
                    self.respond(headers)

            def respond(self, headers):
                address = urlsplit(self.path)
                outer.bodies.append(self.rfile.read(int(headers.get("content-length", 0))).decode())
                outer.headers.append(headers)
                outer.asked.append((address.path, {k: v[0] for k, v in parse_qs(address.query).items()}))
                script = outer.script
                answer = script.pop(0) if len(script) > 1 else script[0]
                try:
                    answer(self)
                    if not self.wfile.closed:
                        self.wfile.flush()
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *args):
                pass

            def finish(self):
                with suppress(OSError, ValueError):
                    super().finish()

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]

    def hang(self, handler):
        """Says nothing until the test is over."""
        self.over.wait(10)
        handler.close_connection = True

    def awaits(self, requests: int, *, at_most_s: float = 10.0) -> None:
        """Until so many have come: who gave up waiting for an answer may have done so before its request was read."""
        until = monotonic() + at_most_s
        while len(self.asked) < requests and monotonic() < until:
            sleep(0.001)

    def answers(self, *script: Answer) -> None:
        self.script, self.asked, self.headers, self.bodies = list(script), [], [], []


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, kwargs={"poll_interval": 0.1})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.http.shutdown()
        thread.join()
        server.http.server_close()


class Loopback(HTTPAdapter):
    """Carries what is meant for a provider to the server of a test. Production code has no such thing."""

    def __init__(self, port: int) -> None:
        super().__init__(max_retries=0)
        self.port, self.origins = port, list[str]()

    def send(self, request, *args, **options):
        address = urlsplit(request.url)
        self.origins.append(f"{address.scheme}://{address.netloc}")
        request.url = address._replace(scheme="http", netloc=f"127.0.0.1:{self.port}").geturl()
        return super().send(request, *args, **options)


class Time:
    """Stands still but for `sleep`, which takes no time; `slept` is how long each was."""

    def __init__(self, now: datetime = NOON) -> None:
        self.at, self.slept = now.timestamp(), list[float]()

    def pass_(self, seconds: float) -> None:
        self.at += seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, monotonic=lambda: self.at, sleep=self.sleep)


def client_to(
    server: Server,
    provider: Provider,
    *,
    time: Time | None = None,
    redis=None,
    adapter=None,
    dice=SYSTEM_DICE,
    **changes,
) -> Client:
    """`adapter`: one that is shared, so that not every client begins with connections of its own."""
    changes = {"timeouts_s": (1.0, 5.0)} | changes
    return Client(
        replace(provider, **changes),
        KEY,
        adapter=adapter or Loopback(server.port),
        clock=(time or Time()).clock,
        client=redis,
        dice=dice,
    )
