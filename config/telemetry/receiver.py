"""Whether whoever receives our spans answers. Known to a process and to the children that it forks from then on.

A worker whose children are recycled would otherwise wait for a dead receiver at the end of each task, and say so each time.
"""

import logging
import mmap
import struct
import time

logger = logging.getLogger(__name__)

LOOK_AGAIN_S = 30.0

_STATE = struct.Struct("d?")  # monotonic time, which all processes share, until which nobody waits; whether it was said
_shared = mmap.mmap(-1, mmap.PAGESIZE)


def is_away() -> bool:
    """Whether it is not worth waiting for: it did not answer within the last half minute."""
    until: float = _STATE.unpack_from(_shared)[0]
    return time.monotonic() < until


def note_answer() -> None:
    _, is_silence_logged = _STATE.unpack_from(_shared)
    _STATE.pack_into(_shared, 0, 0.0, False)
    if is_silence_logged:
        logger.warning("spans are received again")


def note_silence() -> None:
    say_once("spans are not received: the address in OTEL_EXPORTER_OTLP_ENDPOINT does not answer; work goes on without")


def say_once(event: str) -> None:
    """Say why no spans leave, unless it was said since they last did."""
    _, is_silence_logged = _STATE.unpack_from(_shared)
    _STATE.pack_into(_shared, 0, time.monotonic() + LOOK_AGAIN_S, True)
    if not is_silence_logged:
        logger.warning(event)
