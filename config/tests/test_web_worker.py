"""The web's worker under gunicorn: what is under way is answered when it is stopped, and the access log has its lines."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

from config import env

APPLICATION = """
import time
def application(environ, start_response):
    body = environ["wsgi.input"].read()
    time.sleep(float(environ["QUERY_STRING"] or 0))
    start_response("200 OK", [("Content-Length", str(len(body) + 2))])
    return [b"ok" + body]
"""


@pytest.fixture
def served(tmp_path):
    """A gunicorn with our worker, and an application of three lines."""
    (tmp_path / "three_lines.py").write_text(APPLICATION)
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    log = tmp_path / "log"
    words = ("--worker-class", "config.web_worker.WebWorker", "--threads", "2", "--workers", "1", "--no-control-socket")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *words, "--bind", f"127.0.0.1:{port}", "--access-logfile", "-",
             "--access-logformat", "%(m)s %(U)s %(s)s %(b)s", "--pythonpath", str(tmp_path), "three_lines:application"],
            cwd=env.PROJECT, env=os.environ, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while "Booting worker" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", process, log
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_an_answer_is_a_line_of_the_access_log_without_its_query(served):
    url, _, log = served

    with urllib.request.urlopen(f"{url}/a/page?0", b"body", timeout=10) as answer:
        said = answer.read()
    time.sleep(0.2)

    assert said == b"okbody"
    assert "POST /a/page 200 6" in log.read_text()


@pytest.mark.slow
def test_what_is_under_way_is_answered_when_it_is_stopped(served):
    url, process, _ = served
    answers = []
    asking = threading.Thread(target=lambda: answers.append(urllib.request.urlopen(f"{url}/?2", timeout=20).read()))

    asking.start()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    asking.join(20)

    assert answers == [b"ok"]
    assert process.wait(20) == 0


@pytest.mark.slow
def test_a_body_beyond_the_limit_is_refused_before_it_is_read(served):
    url, _, _ = served
    host, port = url.removeprefix("http://").split(":")

    with socket.create_connection((host, int(port)), timeout=10) as half:
        half.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        said = half.recv(65536)

    assert said.startswith(b"HTTP/1.1 413 ")


@pytest.mark.slow
def test_an_answer_to_head_has_no_body_which_would_be_taken_for_the_next_answer(served):
    connection = http.client.HTTPConnection(served[0].removeprefix("http://"), timeout=10)

    said = []
    for method in ("HEAD", "GET", "HEAD", "GET"):
        connection.request(method, "/?0")
        answer = connection.getresponse()
        said.append((answer.status, answer.headers["Content-Length"], answer.read()))
    connection.close()

    assert said == [(200, "2", b""), (200, "2", b"ok")] * 2
