"""GET /v1/schema: the OpenAPI document."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from execution.web.api import openapi


@pytest.fixture
def not_made(monkeypatch):
    """As in a process that nobody has asked for the document."""
    monkeypatch.setattr(openapi, "_made", {})


@pytest.fixture
def hurried():
    """Threads change places as often as can be."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("not_made", "hurried", "empty")
def test_the_document_can_be_asked_for_by_many_threads_at_once():
    def ask(_):
        try:
            return Client().get("/v1/schema", headers={"Accept": "application/json"})
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["openapi"].startswith("3.1")
