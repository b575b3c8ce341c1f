"""The entries of a ledger in a browser: all of them, filtered, on a day, and nobody else's."""

import re

from portfolio.models import Transaction

PAGE = "/portfolios/public/transactions/"


def counted(response) -> int:
    (number,) = re.findall(r'id="entries">(\d+) entr', response.content.decode())
    return int(number)


def test_every_entry_of_the_ledger_is_listed_newest_first(demo):
    client = demo.client("owner")
    with demo.role("job"):
        total = Transaction.objects.filter(portfolio__slug="public", removed_in=None).count()

    first, last = client.get(PAGE), client.get(PAGE, {"page": 1000})

    days = re.findall(r'<th scope="row" class="date"><time datetime="([0-9-]+)"', first.content.decode())
    assert counted(first) == total
    assert days == sorted(days, reverse=True)
    assert len(days) == 100
    assert "Earlier entries" in first.content.decode()
    assert "2002-12-02" in last.content.decode()
    assert "Earlier entries" not in last.content.decode()


def test_filters_and_the_day_narrow_the_list_and_links_go_on_with_them(demo):
    client = demo.client("owner")

    dividends = client.get(PAGE, {"kind": "dividend", "symbol": "ibm", "asof": "2010-06-30"})
    nothing = client.get(PAGE, {"words": "<script>alert(1)</script>"})
    buys = client.get(PAGE, {"kind": "buy"})

    page = dividends.content.decode()
    assert counted(dividends) > 0
    assert set(re.findall(r"</th><td>(\w+)", page)) == {"dividend"}
    assert max(re.findall(r'class="date"><time datetime="([0-9-]+)"', page)) <= "2010-06-30"
    assert "asof=2010-06-30" in page
    assert "No entry is so." in nothing.content.decode()
    assert "<script>alert(1)" not in nothing.content.decode()
    assert "kind=buy&amp;page=2" in buys.content.decode()


def test_bad_filters_are_no_failure(demo):
    client = demo.client("owner")

    for query in ({"page": "x"}, {"asof": "soon"}, {"asof": "2013-02-30"}, {"kind": "x" * 5000}, {"symbol": "\x00"}):
        assert client.get(PAGE, query).status_code in (200, 400), query


def test_somebody_elses_entries_are_not_there(demo):
    assert demo.client("other").get(PAGE).status_code == 404
