"""The door of a chart's data: the same days and values as the answer has, for who may see it, and nobody else."""

import gzip
import html
import re
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.test import Client

OVERVIEW = "/portfolios/public/portfolio_overview/"


def addresses(page: bytes) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'data-columns="([^"]+)"', page.decode())]


@pytest.fixture
def owner(demo):
    return demo.client("owner")


@pytest.fixture
def address(owner):
    """Of the data of the overview's charts, which are three in one panel."""
    found = addresses(owner.get(OVERVIEW).content)
    assert len(found) == 3
    assert len(set(found)) == 1
    return found[0]


def test_the_columns_are_the_series_of_the_answer(demo, owner, address):
    result = demo.ask().json()["result"]["over_span"]

    charts = owner.get(address).json()

    value, returns, falls = (charts[f"historical_nav_{number}"] for number in (1, 2, 3))
    days = [(date(1970, 1, 1) + timedelta(days=each)).isoformat() for each in value["days"]]
    assert days == result["dates"]
    assert value["days"] == returns["days"] == falls["days"]
    for series, name, digits in (
        (value["series"][0], "values", 2),
        (value["series"][1], "net_contributions", 2),
        (returns["series"][0], "returns", 4),
        (falls["series"][0], "drawdowns", 4),
    ):
        assert series["values"] == pytest.approx(result[name], abs=0.6 * 10**-digits), name
    assert [place for place, _, _ in value["trades"]] == sorted(place for place, _, _ in value["trades"])
    assert len(value["trades"]) > 3


def test_the_columns_are_compressed_and_not_sent_twice(owner, address):
    plain = owner.get(address)

    small = owner.get(address, headers={"Accept-Encoding": "gzip"})
    again = owner.get(address, headers={"If-None-Match": plain["ETag"]})

    assert gzip.decompress(small.content) == plain.content
    assert len(small.content) < len(plain.content) / 2
    assert (again.status_code, again.content) == (304, b"")
    assert plain["Cache-Control"] == "private, no-cache"


def test_what_is_somebody_elses_and_what_there_is_not_is_refused_alike(demo, owner, address):
    other = demo.client("other")
    answers = [
        other.get(address),
        other.get(address.replace("/public/", "/second/")),
        owner.get(address.replace("/public/", "/second/")),
        owner.get(address.replace("/public/", "/absent/")),
        owner.get(f"/portfolios/public/charts/{uuid4()}/?panel=historical_nav"),
    ]

    documents = [{**each.json(), "request_id": ""} for each in answers]
    assert {each.status_code for each in answers} == {404}
    assert all(each["Content-Type"] == "application/problem+json" for each in answers)
    assert all(each == documents[0] for each in documents)


@pytest.mark.parametrize("panel", ["", "absent", "months", "historical_nav_1", "<script>"])
def test_a_panel_without_a_chart_has_no_columns(owner, address, panel):
    response = owner.get(address.partition("?")[0], {"panel": panel})

    assert (response.status_code, response.json()) == (200, {})


def test_nobody_is_sent_to_the_log_in(address):
    response = Client().get(address)

    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/login/")


def test_the_data_are_read_and_nothing_else(owner, address):
    assert owner.post(address).status_code == 405
