"""The log: JSON lines with the ids of the work, which nobody can forge and which tell nothing private."""

import json
import logging
import sys

from config import telemetry
from config.logs import JsonFormatter

SECRET = "Key (slug)=(retirement-of-anna) holds 1234567.89"


def lines(message, *args, formatter=None, exc_info=None, name="room", **extra) -> list[dict]:
    record = logging.getLogger(name).makeRecord(name, logging.WARNING, "", 0, message, args, exc_info, extra=extra)
    text = (formatter or JsonFormatter(with_words=False)).format(record)
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_carries_the_ids_that_are_bound():
    ids = {"request_id": "r1", "execution_id": "e1", "pattern_id": "overview", "pricing_pack_id": "PP_1"}

    with telemetry.span("pattern.run", **ids):
        (event,) = lines("step done", rows=3)

    assert {**ids, "event": "step done", "rows": 3}.items() <= event.items()


def test_what_the_event_itself_says_goes_before_what_is_bound():
    with telemetry.bound(pricing_pack_id="PP_1"):
        (event,) = lines("pack sealed", pricing_pack_id="PP_2")

    assert event["pricing_pack_id"] == "PP_2"


def test_no_input_begins_a_line_of_its_own_or_moves_the_terminal():
    forged = 'x\r\n{"level": "error", "event": "forged"}\x1b[2J\u2028\x85'

    told = lines("refused: %s", forged, reason=forged)

    assert [event["reason"] for event in told] == [forged]
    assert told[0]["event"] == f"refused: {forged}"


def failure():
    try:
        try:
            raise ValueError(SECRET)
        except ValueError as cause:
            raise RuntimeError(SECRET) from cause
    except RuntimeError:
        return sys.exc_info()


def test_an_exception_is_told_by_class_and_place_and_its_words_are_left_out():
    (event,) = lines("request failed", exc_info=failure())

    assert SECRET not in event["exception"]
    assert event["exception"].index("builtins.ValueError") < event["exception"].index("builtins.RuntimeError")
    assert "in failure" in event["exception"]


def test_in_development_it_has_its_words():
    (event,) = lines("request failed", exc_info=failure(), formatter=JsonFormatter(with_words=True))

    assert SECRET in event["exception"]


def test_a_failed_task_is_told_without_its_arguments_and_the_words_of_its_failure():
    from celery.app.trace import LOG_FAILURE

    told = {"name": "execution.tasks.compute_chunk", "id": "t1", "description": "raised unexpected", "exc": SECRET}
    told |= {"traceback": SECRET, "args": SECRET, "kwargs": SECRET, "internal": False}

    (event,) = lines(LOG_FAILURE, told, data=told)

    assert SECRET not in json.dumps(event)
    assert "execution.tasks.compute_chunk[t1] raised unexpected" in event["event"]
