"""A small market data folder as text, for tests: two exchanges, two currencies, a split, a dividend, two series."""

import gzip
import os
from collections.abc import Mapping
from pathlib import Path

DEMO = Path(__file__).resolve().parents[2] / "demo"
DATA = Path(os.environ.get("TIEOUT_DATA") or DEMO.parents[1] / "shared" / "data")
"""Real market data that may not be shipped; tests that need it are skipped where it is not."""

SMALL = {
    "securities.csv": """\
symbol,name,currency,type,exchange,source,price_basis,first_date,last_date
OAK,Oak Inc.,USD,equity,XNYS,wood,raw,2020-01-02,
ELM,Elm plc,GBp,equity,XLON,wood,raw,2020-01-02,
ASH,Ash Inc.,USD,equity,XNYS,wood,raw,2020-01-02,2020-01-09
""",
    "prices.csv": """\
date,symbol,close,currency,source
2020-01-02,OAK,100.50,USD,wood
2020-01-03,OAK,101,USD,wood
2020-01-06,OAK,51.25,USD,wood
2020-01-07,OAK,51.5,USD,wood
2020-01-08,OAK,52,USD,wood
2020-01-09,OAK,52.1,USD,wood
2020-01-02,ELM,1234.5,GBp,wood
2020-01-03,ELM,1240,GBp,wood
2020-01-07,ELM,1250,GBp,wood
2020-01-08,ELM,1251,GBp,wood
2020-01-02,ASH,10,USD,wood
2020-01-03,ASH,11,USD,wood
""",
    "fx.csv": """\
date,base,quote,rate,source
2020-01-02,EUR,USD,1.1193,central
2020-01-03,EUR,USD,1.1147,central
2020-01-07,EUR,USD,1.1172,central
2020-01-08,EUR,USD,1.1115,central
2020-01-02,EUR,GBP,0.8482,central
2020-01-03,EUR,GBP,0.85115,central
2020-01-07,EUR,GBP,0.85,central
2020-01-08,EUR,GBP,0.8476,central
2020-01-02,EUR,CAD,1.4549,central
2020-01-03,EUR,CAD,1.4459,central
2020-01-07,EUR,CAD,1.452,central
2020-01-08,EUR,CAD,1.446,central
""",
    "macro.csv": """\
date,series_id,value,source
2019-11-01,CPI1,257.8,bureau
2019-12-01,CPI1,258.4,bureau
2020-01-02,Y10,1.88,bureau
2020-01-03,Y10,1.80,bureau
2020-01-06,Y10,1.81,bureau
2020-01-07,Y10,1.83,bureau
""",
    "macro_series.csv": """\
id,title,unit,frequency,source
CPI1,Prices,index,M,bureau
Y10,Ten years,percent,D,bureau
""",
    "corporate_actions.csv": """\
ex_date,pay_date,symbol,action,ratio,amount,currency,source,announced,quality
2020-01-06,,OAK,split,2,,USD,derived:wood,2020-01-03,ok
2020-01-07,2020-01-21,OAK,dividend,,0.25,USD,derived:wood,,ok
2020-01-07,,OAK,dividend,,25,USD,derived:wood,,suspect
""",
    "sources.csv": """\
source,attribution,display
wood,Wood Data,yes
central,Central Bank,yes
bureau,Bureau,yes
""",
}


def write(folder: Path, changes: Mapping[str, str | None] | None = None, *, zipped: tuple[str, ...] = ()) -> Path:
    """SMALL in `folder`, with whole files replaced (None: left out)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (SMALL | dict(changes or {})).items():
        if text is None:
            continue
        if name in zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def appended(name: str, *lines: str) -> dict[str, str | None]:
    """One file of SMALL with more rows."""
    return {name: SMALL[name] + "".join(f"{line}\n" for line in lines)}
