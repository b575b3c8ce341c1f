"""The log: JSON lines with the ids of the work, which nobody can forge and which tell nothing private."""

import json
import logging

from config import telemetry
from config.logs import JsonFormatter


def lines(message, *args, exc_info=None, name="execution.room", **extra) -> list[dict[str, object]]:
    record = logging.getLogger(name).makeRecord(name, logging.WARNING, "", 0, message, args, exc_info, extra=extra)
    text = JsonFormatter().format(record)
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_carries_the_ids_that_are_bound():
    ids = {"request_id": "r1", "execution_id": "e1", "pattern_id": "overview", "pricing_pack_id": "PP_1"}

    with telemetry.span("pattern.run", **ids):
        (event,) = lines("step done", rows=3)

    assert {**ids, "event": "step done", "rows": 3}.items() <= event.items()


def test_what_the_event_itself_says_goes_before_what_is_bound():
    with telemetry.binding(pricing_pack_id="PP_1"):
        (event,) = lines("pack sealed", pricing_pack_id="PP_2")

    assert event["pricing_pack_id"] == "PP_2"


def test_no_input_begins_a_line_of_its_own_or_moves_the_terminal():
    forged = 'x\r\n{"level": "error", "event": "forged"}\x1b[2J\u2028\x85'

    told = lines("refused: %s", forged, reason=forged)

    assert [event["reason"] for event in told] == [forged]
    assert told[0]["event"] == f"refused: {forged}"
