"""The columns of a market data folder, read whole or refused whole.

Columns by file (any may be gzipped as `<file>.gz`; more columns are allowed and ignored):

    securities.csv         symbol,name,currency,type,exchange,source[,price_basis,first_date,last_date,quote_unit,
                           multiplier,expiry,maturity]              quote_unit empty or percent_of_nominal
    prices.csv             date,symbol,close,currency,source
    fx.csv                 date,base,quote,rate,source                      1 base = rate quote
    macro.csv              date,series_id,value,source[,known_at,vintage]
    macro_series.csv       id (or series_id),title,unit,frequency,source    frequency D, W, M, Q or A
    corporate_actions.csv  ex_date,pay_date,symbol,action,ratio,amount,currency,source[,announced,quality]
                           action split (has a ratio), dividend (has an amount) or delisting (has neither)
    sources.csv            source,attribution

The first three must be there. Without `macro_series.csv` a series has its id as title and the frequency its dates show.
Prices in a minor unit (GBp) are converted here, once, exactly. A day may have the figures of several sources: the first
source's are the folder's, the others' are what they are compared with.
"""

from collections.abc import Mapping

FREQUENCIES = ("D", "W", "M", "Q", "A")
PRICE_BASES = ("raw", "split_adjusted", "total_return_adjusted", "price_index")
QUOTE_UNITS = ("", "percent_of_nominal")
ACTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "split": (("ratio",), ("amount",)),
    "dividend": (("amount",), ("ratio",)),
    "delisting": ((), ("ratio", "amount")),
}
"""By action, the numbers that it has, and those that it has not."""

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "securities.csv": ("symbol", "name", "currency", "type", "exchange", "source"),
    "prices.csv": ("date", "symbol", "close", "currency", "source"),
    "fx.csv": ("date", "base", "quote", "rate", "source"),
    "macro.csv": ("date", "series_id", "value", "source"),
    "macro_series.csv": ("title", "unit", "frequency", "source"),
    "corporate_actions.csv": ("ex_date", "pay_date", "symbol", "action", "ratio", "amount", "currency", "source"),
    "sources.csv": ("source", "attribution"),
}
OBLIGATORY = ("securities.csv", "prices.csv", "fx.csv")
LONGEST: Mapping[str, int] = {
    "symbol": 32, "name": 200, "type": 32, "exchange": 12, "source": 64, "id": 32, "series_id": 32, "title": 200,
    "unit": 64, "vintage": 32, "attribution": 400,
}  # fmt: skip
"""Characters that there is room for, by column."""
NAMES = frozenset({"symbol", "name", "title", "attribution"})
"""What people read."""
RIGHTS: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("display", "export_csv", "export_pdf", "redistribute"), ("", "yes", "no", "ask")
)
