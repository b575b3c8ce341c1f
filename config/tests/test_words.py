"""What a line of the log may say."""

import json
import logging

from config.logs import JsonFormatter

SECRET = "canary-5e1f"


def line(name, message, *args, **how):
    record = logging.getLogger(name).makeRecord(name, logging.ERROR, __file__, 12, message, args, **how)
    return JsonFormatter().format(record)


def failure():
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as missing:
            raise ValueError(f"{SECRET} is worth 7") from missing
    except ValueError as caught:
        return type(caught), caught, caught.__traceback__


def test_a_failure_is_told_by_class_and_place_without_its_words():
    told = line("execution.web", "request failed", exc_info=failure(), extra={"status": 500})

    event = json.loads(told)
    top, cause = event["exception"].split("\nfrom ")
    assert (event["event"], event["status"]) == ("request failed", 500)
    assert top.splitlines()[0] == "builtins.ValueError"
    assert top.splitlines()[1].startswith("  config.tests.test_words:")
    assert top.splitlines()[1].endswith(" failure")
    assert cause.splitlines()[0] == "builtins.KeyError"
    assert SECRET not in told


def test_a_line_of_others_is_told_by_its_template_or_its_place():
    assert json.loads(line("kombu.connection", "no %s", SECRET, exc_info=None))["event"] == "no %s"
    assert json.loads(line("django.security", f"host {SECRET}", exc_info=None))["event"] == "test_words:12"
    assert SECRET not in line("django.request", "%s", SECRET, exc_info=None, extra={"path": SECRET})


def test_a_task_that_ended_is_told_by_its_name_and_not_by_what_it_was_given():
    told = line(
        "celery.app.trace",
        "Task %(name)s[%(id)s] %(description)s: %(exc)s",
        {"name": "execution.tasks.run_nightly", "id": "7", "description": "raised unexpected", "exc": SECRET},
        exc_info=failure(),
        extra={"data": {"args": SECRET}},
    )

    assert json.loads(told)["event"] == "Task execution.tasks.run_nightly[7] raised unexpected: …"
    assert SECRET not in told


def test_nobody_begins_a_line_of_his_own():
    told = line("execution.web", "request failed", exc_info=None, extra={"piece": 'a\r\n{"level": "error"}\x1b[31m'})

    assert len(told.splitlines()) == 1
    assert "\x1b" not in told
