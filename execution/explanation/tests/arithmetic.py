"""Plain arithmetic over explanations: exact fractions of decimals, floats of floats, none of the product's functions.

A formula is evaluated with the values that stand under it, then each of these in the same way, down to rows.
"""

import math
from fractions import Fraction
from typing import Any

CONSTANT = {"carried", "share", "sign", "days", "observations", "periods_per_year", "level", "fees"}
"""Terms that neither rows nor terms stand under: numbers of the method itself, and of how much of a purchase is left."""
ONE_TO_ONE = {"rate", "rate_before", "across", "deal_rate", "entry_rate", "counter_rate"}
"""Rates that rest on nothing where a currency is converted into itself."""


class Many(list[Any]):
    """Numbers that a formula takes one by one."""

    def _with(self, other, operation):
        others = other if isinstance(other, Many) else [other] * len(self)
        return Many(operation(a, b) for a, b in zip(self, others, strict=True))

    def __add__(self, other):
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other):
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other):
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other):
        return self._with(other, lambda a, b: a / b)

    def __pow__(self, other):
        return self._with(other, lambda a, b: a**b)

    def __neg__(self):
        return Many(-each for each in self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return Many(other / each for each in self)


def each(function):
    """A function of a number, of many numbers too."""
    return lambda x: Many(map(function, x)) if isinstance(x, Many) else function(x)


def mean(x):
    return math.fsum(x) / len(x)


def cov(x, y):
    a, b = mean(x), mean(y)
    return math.fsum((one - a) * (other - b) for one, other in zip(x, y, strict=True)) / (len(x) - 1)


def percentile(x, p):
    ordered = sorted(x)
    place = (len(ordered) - 1) * p
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def growth(returns):
    index = Many([1.0])
    for each_return in returns:
        index.append(index[-1] * (1 + each_return))
    return index


def peak(values):
    highest = Many(values[:1])
    for value in values[1:]:
        highest.append(max(highest[-1], value))
    return highest


def internal_rate(amounts, days_left):
    """The yearly rate at which amounts, compounded over the days that are left, come to nothing; by halving."""
    start = max(days_left)

    def worth(rate):
        return math.fsum(float(a) * (1 + rate) ** (-(start - d) / 365) for a, d in zip(amounts, days_left, strict=True))

    low, high = -0.999, 100.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if (worth(middle) > 0) == (worth(low) > 0) else (low, middle)
    return (low + high) / 2


def round_money(x):
    """Half to even, to the cent."""
    return Fraction(round(x * 100), 100) if isinstance(x, Fraction | int) else Fraction(round(Fraction(x) * 100), 100)


def linking(one, other):
    """(ln(1 + r) - ln(1 + b)) / (r - b), in terms of what r is over b; of each pair, or of two numbers."""
    if isinstance(one, Many):
        return Many(linking(r, b) for r, b in zip(one, other, strict=True))
    over = (one - other) / (1 + other)
    return (math.log1p(over) / over if over else 1.0) / (1 + other)


FUNCTIONS = {
    "sum": lambda x: sum(x, Fraction(0)) if all(isinstance(n, Fraction | int) for n in x) else math.fsum(x),
    "prod": math.prod,
    "mean": mean,
    "count": len,
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": lambda x: math.sqrt(x),
    "log1p": each(math.log1p),
    "std": lambda x: math.sqrt(cov(x, x)),
    "var": lambda x: cov(x, x),
    "cov": cov,
    "percentile": percentile,
    "growth": growth,
    "peak": peak,
    "round_money": round_money,
    "round_to": lambda x, places: Fraction(round(Fraction(x) * 10**places), 10**places),
    "below": lambda x, mark: Many(n for n in x if n <= mark + abs(mark) * 1e-14),
    "above": lambda x, mark: Many(n for n in x if n > mark),
    "unequal": lambda x, mark: Many(n for n in x if n != mark),
    "negative": each(lambda n: min(n, 0)),
    "last": lambda x: x[-1],
    "irr": lambda amounts, days_left: internal_rate(amounts, days_left),
    "linking": linking,
    "carino": each(lambda r: math.log1p(r) / r if r else 1.0),
}


def number(value):
    return Fraction(value) if isinstance(value, str) else value


def recombine(node, where=""):
    """Every number below a node, of the numbers under it. Raises AssertionError with the place of one that does not come out."""
    where = f"{where}/{node['name']}"
    value, rows, terms = number(node["value"]), node.get("rows", []), node.get("terms", [])
    if value is None:
        return
    names = {}
    for term in terms:
        if "items" in term:
            names[term["name"]] = Many(number(item["value"]) for item in term["items"])
            for item in term["items"]:
                recombine(item, f"{where}/{term['name']}")
        elif "values" in term:
            names[term["name"]] = Many(term["values"])
        else:
            names[term["name"]] = number(term["value"])
            recombine(term, where)
    if node.get("formula"):
        names = names or of_rows(rows)
        made = eval(node["formula"], {"__builtins__": {}}, FUNCTIONS | names)
        assert is_same(value, made), f"{where}: {node['value']} is not {node['formula']}, which is {made}"
    elif not node.get("method"):
        assert rows or node.get("path") or is_constant(node["name"], value), f"{where}: rests on nothing"
        for row in rows:
            if node["name"] in row:
                assert is_same(value, number(row[node["name"]])), f"{where}: is not what its row says, {row}"


def is_constant(name, value):
    return name in CONSTANT or (name in ONE_TO_ONE and value == 1) or value == 0


def of_rows(rows):
    """What the formula of a term without terms is written in: the fields of its row; of rates, their pairs."""
    if all(row["kind"] == "rate" for row in rows):
        return {f"{row['base']}_{row['quote']}": Fraction(row["rate"]) for row in rows}
    (row,) = rows
    return {name: number(cell) for name, cell in row.items() if is_number(cell)}


def is_number(cell):
    if isinstance(cell, bool):
        return False
    return isinstance(cell, int | float) or (
        isinstance(cell, str) and cell.removeprefix("-").replace(".", "", 1).isdigit()
    )


def is_same(one, other):
    """Of decimals 12 digits, of floats 9."""
    one, other = number(one), number(other)
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return abs(one - other) <= abs(one) * Fraction(1, 10**12) + Fraction(1, 10**20)
    return math.isclose(one, other, rel_tol=2e-9, abs_tol=1e-12)


def paths_in(node):
    """Where an explanation leads on, with the value that is said to be there."""
    if node.get("path") and "value" in node:
        yield node["path"], node["value"]
    for term in (*node.get("terms", ()), *node.get("items", ())):
        yield from paths_in(term)
