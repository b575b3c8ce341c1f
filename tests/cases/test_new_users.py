"""New users come to the demo, each with a ledger of a kind of its own: figures the same day, and a fresh night after."""

import csv
import gzip
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from django.test import Client

from tests.cases.desk import Desk, command
from tests.plugin import PROJECT

pytestmark = pytest.mark.usefixtures("read_once")

DEMO = PROJECT / "demo"
LAST, NEXT = "2013-03-01", "2013-03-04"
HEADER = "date,type,symbol,quantity,unit_price,amount,currency\n"
GHOSTFOLIO = json.dumps(
    {
        "activities": [
            {
                "date": "2013-02-01T00:00:00.000Z",
                "type": "BUY",
                "symbol": "AAPL",
                "quantity": 2,
                "unitPrice": 450,
                "fee": 0,
                "currency": "USD",
                "dataSource": "YAHOO",
            }
        ]
    },
    indent=1,
)
USERS = {
    "cash": HEADER + "2013-02-20,deposit,,,,2500,CAD\n",
    "bond": HEADER + "2013-01-10,deposit,,,,20000,CAD\n2013-01-10,buy,LOAN23,10000,99.20,9920,CAD\n",
    "gone": HEADER + "2012-11-01,deposit,,,,2000,CAD\n2012-11-01,buy,GONE,100,12,,CAD\n",
    "krona": HEADER + "2012-05-10,deposit,,,,10000,SEK\n2012-05-11,buy,AAPL,1,4000,,SEK\n",
    "ghost": GHOSTFOLIO,
}
USD_CAD, SEK_CAD = Decimal("1.3437") / Decimal("1.3"), Decimal("1.3437") / Decimal("8.366")
"""The fixings of 1 March 2013; AAPL closed at 430.47."""


def _money(amount: Decimal) -> str:
    return str(amount.quantize(Decimal("0.01")))


RIGHT = {
    "cash": "2500.00",
    "bond": "20030.00",  # 20,000 - 9,920 + 10,000 x 99.50 / 100
    "gone": "1950.00",  # 2,000 - 1,200 + 100 x 11.50, the last close
    "krona": _money(6000 * SEK_CAD + Decimal("430.47") * USD_CAD),
    "ghost": _money(2 * Decimal("430.47") * USD_CAD),
}


def market(folder: Path, *, next_day: bool = False) -> Path:
    """The demo's folder with a bond and a share that was delisted; with a day more, on which nothing moved."""
    folder.mkdir()
    for each in DEMO.iterdir():
        if each.is_file():
            shutil.copy(each, folder)
    _rewrite(folder / "securities.csv", _listed)
    prices = folder / "prices.csv.gz"
    days = sorted({row["date"] for row in _rows(prices) if row["date"] >= "2012-10-01"})

    def priced(rows):
        yield from rows
        like = dict.fromkeys(rows[0], "") | {"currency": "CAD", "source": "bokeh-wiki"}
        for day in days:
            yield like | {"date": day, "symbol": "LOAN23", "close": "99.50"}
            if day <= "2012-12-14":
                yield like | {"date": day, "symbol": "GONE", "close": "11.50"}
        if next_day:
            yield from ({**row, "date": NEXT} for row in rows if row["date"] == LAST)
            yield like | {"date": NEXT, "symbol": "LOAN23", "close": "99.50"}

    _rewrite(prices, priced)
    if next_day:
        for name in ("fx.csv.gz", "macro.csv.gz"):
            _rewrite(
                folder / name,
                lambda rows: [*rows, *({**row, "date": NEXT} for row in rows if row["date"] == LAST)],
            )
    _rewrite(
        folder / "corporate_actions.csv",
        lambda rows: [
            *rows,
            dict.fromkeys(rows[0], "")
            | {"ex_date": "2012-12-17", "symbol": "GONE", "action": "delisting", "currency": "CAD"}
            | {"source": "bokeh-wiki", "quality": "ok"},
        ],
    )
    return folder


def _listed(rows):
    for row in rows:
        yield {**row, "last_date": "", "quote_unit": "", "maturity": ""}
    like = dict.fromkeys(rows[0], "") | {"currency": "CAD", "exchange": "XNYS", "source": "bokeh-wiki"}
    like |= {"price_basis": "raw", "first_date": "2012-10-01"}
    bond = {"symbol": "LOAN23", "name": "A loan", "type": "bond", "quote_unit": "percent_of_nominal"}
    yield like | bond | {"maturity": "2023-06-01", "last_date": ""}
    yield like | {"symbol": "GONE", "name": "Gone Inc.", "type": "equity", "last_date": "2012-12-14"}


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return list(csv.DictReader(file))


def _rewrite(path: Path, change) -> None:
    rows = list(change(_rows(path)))
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with gzip.open(path, "wt") if path.suffix == ".gz" else path.open("w") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _well(*words: str | Path) -> None:
    answer = command(*words)
    assert answer.code == 0, f"{words[0]}: {answer.text}"


@pytest.mark.role("job")
def test_new_users_have_their_figures_the_same_day_and_the_next_night_is_fresh_for_all(private_demo, tmp_path):
    _well("load_market_data", market(tmp_path / "market"))
    _well("nightly", "--date", LAST, "--restate", "a bond and a share more")
    desks = {}
    for name, text in USERS.items():
        desks[name] = desk = Desk(name, f"new-{name}", "CAD", tmp_path / name)
        flags = ("--infer-deposits",) if name == "ghost" else ()
        path = tmp_path / f"{name}.{'json' if name == 'ghost' else 'csv'}"
        path.write_text(text)
        words = ("import_transactions", "--portfolio", desk.slug, "--owner", "owner", "--base", "CAD", *flags, path)
        _well(*words)

    same_day = {name: desk.overview().value for name, desk in desks.items()}
    assert same_day == RIGHT
    before = {slug: desks["cash"].overview(slug=slug).value for slug in ("public", "second")}

    _well("load_market_data", market(tmp_path / "next", next_day=True))
    _well("nightly")
    health = Client().get("/health/pack").json()
    assert (health["status"], health["asof_date"], health["is_fresh"]) == ("fresh", NEXT, True)
    assert {name: desk.overview().value for name, desk in desks.items()} == RIGHT  # nothing moved
    assert {slug: desks["cash"].overview(slug=slug).value for slug in before} == before
    figures = {name: desk.overview() for name, desk in desks.items()}
    for name, figure in figures.items():
        assert figure["valued_positions.asof_date"] == NEXT
        assert figure.status("twr_itd").startswith(("ok", "degraded")), (name, figure.status("twr_itd"))
        assert figure.status("twr_1d").startswith(("ok", "degraded")), (name, figure.status("twr_1d"))
    assert "delisted" in json.dumps(figures["gone"].result)
