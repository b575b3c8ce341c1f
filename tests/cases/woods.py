"""A small market told day by day: two weeks of March 2021, shares in Canadian and US dollars, fixings of round crosses."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

DAYS = tuple(f"2021-03-{number:02}" for number in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12))

# One euro: US dollars, Canadian dollars. Their cross is what one US dollar costs in Canadian ones.
FIXINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "2021-03-01": ("1.21", "1.56"),  # 1.28925620
        "2021-03-02": ("1.25", "1.70"),  # 1.36
        "2021-03-03": ("1.23", "1.63"),  # 1.32520325
        "2021-03-04": ("1.20", "1.59"),  # 1.325
        "2021-03-05": ("1.24", "1.55"),  # 1.25
        "2021-03-08": ("1.25", "1.70"),  # 1.36
        "2021-03-09": ("1.25", "1.65"),  # 1.32
        "2021-03-10": ("1.20", "1.56"),  # 1.30
        "2021-03-11": ("1.20", "1.62"),  # 1.35
        "2021-03-12": ("1.27", "1.75"),  # 1.37795276
    }
)
ALL_THE_TIME: Mapping[str, str] = MappingProxyType({"GBP": "0.85", "AED": "4.40"})
"""Units per euro, the same on each day."""

CLOSES: Mapping[str, tuple[str, str, tuple[str, ...]]] = MappingProxyType(
    {
        # symbol: currency, exchange, closes of DAYS ("" where it is not listed yet)
        "ASH": ("CAD", "XA", ("20", "20.5", "21", "20", "22", "23", "23.5", "24", "24.5", "25")),
        "ELM": ("CAD", "XA", ("", "", "", "", "", "30", "30", "31", "32", "33")),
        "OAK": ("USD", "XN", ("40", "44", "44", "45", "46", "47", "48", "49", "49", "50")),
        "YEW": ("CAD", "XB", ("10", "10", "10", "11", "11", "12", "12", "12", "13", "13")),
        "XCS": ("XCD", "XC", ("5", "5", "5", "5", "5", "6", "6", "6", "6", "6")),
    }
)
EARLIER: tuple[tuple[str, str], ...] = (("2019-12-30", "19"), ("2019-12-31", "19.50"))
"""Days long before, and ASH's close on them; they have a pack only in a world whose nights make one."""
EARLIER_FIXING = ("1.25", "1.50")


NEIGHBOUR = """\
date,type,symbol,quantity,unit_price,currency
2021-03-01,deposit,,,3000,CAD
2021-03-01,buy,ASH,100,20,CAD
"""
"""A portfolio about which nothing is wrong: 1,000 and 100 ASH, 3,500.00 on the last day."""


def write(folder: Path) -> Path:
    """Write the market as a folder that `load_market_data` takes."""
    folder.mkdir(parents=True, exist_ok=True)
    securities = [
        f"{symbol},{symbol.title()} Inc.,{currency},equity,{exchange},wood,raw,"
        f"{next(day for day, close in zip(DAYS, closes, strict=True) if close) if symbol != 'ASH' else EARLIER[0][0]},"
        for symbol, (currency, exchange, closes) in CLOSES.items()
    ]
    prices = [f"{day},ASH,{close},CAD,wood" for day, close in EARLIER] + [
        f"{day},{symbol},{close},{currency},wood"
        for symbol, (currency, _, closes) in CLOSES.items()
        for day, close in zip(DAYS, closes, strict=True)
        if close
    ]
    fixings = {day: EARLIER_FIXING for day, _ in EARLIER} | dict(FIXINGS)
    rates = [
        f"{day},EUR,{quote},{rate},central"
        for day, (usd, cad) in fixings.items()
        for quote, rate in {"USD": usd, "CAD": cad, **ALL_THE_TIME}.items()
    ]
    tables = {
        "securities.csv": (
            "symbol,name,currency,type,exchange,source,price_basis,first_date,last_date",
            securities,
        ),
        "prices.csv": ("date,symbol,close,currency,source", prices),
        "fx.csv": ("date,base,quote,rate,source", rates),
        "corporate_actions.csv": ("ex_date,pay_date,symbol,action,ratio,amount,currency,source", []),
        "macro.csv": ("date,series_id,value,source", [f"{day},Y3M,1.0,central" for day in DAYS]),
        "macro_series.csv": ("id,title,unit,frequency,source", ["Y3M,Three months,percent,D,central"]),
        "sources.csv": (
            "source,attribution,name,display,export_csv,export_pdf,redistribute,terms",
            [f"{code},Made for the cases,{code},yes,yes,yes,yes,own" for code in ("wood", "central")],
        ),
    }
    for name, (header, lines) in tables.items():
        (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder
