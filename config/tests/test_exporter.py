"""The page of a process that serves no pages."""

import logging
import os
import socket
import urllib.request

import pytest

from config.telemetry import exporter


@pytest.fixture(autouse=True)
def _close():
    yield
    for server in exporter._open:
        server.shutdown()
    exporter.leave_to_parent()


@pytest.fixture
def port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("form", ["{}", "127.0.0.1:{}"])
def test_a_port_is_one_of_the_loopback_and_answers(port: int, form: str) -> None:
    exporter.serve(form.format(port))

    assert "python_info" in read(port)
    assert exporter._open[0].server_address[0] == "127.0.0.1"


def test_without_an_address_nothing_listens() -> None:
    exporter.serve("")

    assert exporter._open == []


@pytest.mark.parametrize(
    "address", ["here", "127.0.0.1:", "http://127.0.0.1:9101/", "127.0.0.1:99999", "nowhere.invalid:1"]
)
def test_a_bad_address_is_said_once_and_the_process_goes_on(address: str, caplog: pytest.LogCaptureFixture) -> None:
    exporter.serve(address)

    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert caplog.messages[0].startswith("METRICS_ADDRESS ")
    assert exporter._open == []


def test_a_taken_address_is_said_and_the_process_goes_on(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()

        exporter.serve(str(port))

    assert caplog.messages == ["METRICS_ADDRESS can't be listened at: the metrics of this process can't be read"]


def test_a_forked_child_does_not_keep_the_port(port: int) -> None:
    exporter.serve(str(port))
    child = os.fork()
    if child == 0:
        exporter.leave_to_parent()
        os._exit(len(exporter._open))

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert "python_info" in read(port)
