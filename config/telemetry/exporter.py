"""The page that Prometheus reads of a process that serves no pages: worker and beat."""

import logging
import re
from wsgiref.simple_server import WSGIServer

from prometheus_client import start_http_server

from config.telemetry import multiprocess

logger = logging.getLogger(__name__)

ADDRESS = re.compile(r"(?:(?P<host>[^\s/@]+):)?(?P<port>\d{1,5})", re.ASCII)
LOOPBACK = "127.0.0.1"

_open: list[WSGIServer] = []


def serve(address: str) -> None:
    """Answer at `address`, host:port or a port of the loopback, from a thread of this process.

    An address that is none, or is taken, is logged once and the process goes on without.
    """
    if not address:
        return
    match = ADDRESS.fullmatch(address)
    if match is None:
        logger.error("METRICS_ADDRESS is no address: the metrics of this process can't be read")
        return
    try:
        server, _ = start_http_server(
            int(match["port"]), match["host"] or LOOPBACK, registry=multiprocess.make_registry()
        )
    except (OSError, OverflowError) as failure:
        logger.error(
            "METRICS_ADDRESS can't be listened at: the metrics of this process can't be read",
            extra={"reason": str(failure)},
        )
        return
    _open.append(server)


def leave_to_parent() -> None:
    """Close this process's share in the parent's socket. For a forked child, which has it without a thread to answer."""
    while _open:
        _open.pop().socket.close()
