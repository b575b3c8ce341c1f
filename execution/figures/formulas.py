"""Formulas of explanations as an owner reads them: the field's words for functions, and × ÷ − for operators."""

import ast
import re
from collections.abc import Mapping
from typing import Final

PREFIXES: Final[Mapping[str, str]] = {
    "sum": "sum of",
    "prod": "product of",
    "mean": "mean of",
    "count": "number of",
    "min": "lowest of",
    "max": "highest of",
    "abs": "size of",
    "sqrt": "square root of",
    "log1p": "logarithm of 1 +",
    "std": "standard deviation of",
    "var": "variance of",
    "growth": "return index of",
    "peak": "highest so far of",
    "last": "last of",
    "negative": "shortfalls of",
    "carino": "linking factor of",
}
"""Function of one argument -> the words before it."""
PAIRS: Final[Mapping[str, str]] = {
    "cov": "covariance of {} and {}",
    "percentile": "percentile of {} at {}",
    "above": "those of {} above {}",
    "below": "those of {} at or below {}",
    "unequal": "those of {} that are not {}",
    "irr": "internal rate of return of {} over {}",
    "linking": "linking factor of {} and {}",
    "round_to": "{} rounded to {} decimals",
}
"""Function of two arguments -> the words around them."""
NAMES: Final[Mapping[str, str]] = {
    "across": "exchange rate",
    "across_in": "exchange rate of the purchase",
    "across_out": "exchange rate of the sale",
    "benchmark_mwr": "benchmark's money-weighted return",
    "benchmark_twr": "benchmark's time-weighted return",
    "came": "what came in",
    "cash_fx": "exchange rate effect on cash",
    "closed": "value at the close",
    "cost_base": "cost in the base currency",
    "cost_local": "cost in its own currency",
    "deal_rate": "exchange rate of the deal",
    "entry_rate": "exchange rate of the purchase",
    "fx": "exchange rate effect",
    "fx_in": "exchange rate of the cost",
    "fx_out": "exchange rate of the proceeds",
    "fx_rate": "exchange rate",
    "fx_return": "exchange rate return",
    "fxs": "exchange rate returns",
    "irr": "internal rate of return",
    "items": "the items",
    "locals": "local returns",
    "marginal_var": "marginal value at risk",
    "mwr": "money-weighted return",
    "opened": "value at the opening",
    "portfolio_var": "portfolio's value at risk",
    "proceeds_base": "proceeds in the base currency",
    "proceeds_local": "proceeds in their own currency",
    "rate": "exchange rate",
    "rate_before": "exchange rate of the day before",
    "risk_free": "risk-free return",
    "twr": "time-weighted return",
    "value_before": "value of the day before",
    "var_1d": "value at risk of a day",
    "var_1d_pct": "value at risk of a day as a fraction",
    "went": "what went out",
}
"""Names whose words do not say it by themselves."""
SIGNS: Final[Mapping[type[ast.operator], tuple[str, int]]] = {
    ast.Add: ("+", 1),
    ast.Sub: ("−", 1),
    ast.Mult: ("×", 2),
    ast.Div: ("÷", 2),
}
"""Operator -> its sign, and how closely it binds."""
BINDS_MOST: Final = 9
_ROUNDED: Final = "round_money"
_PAIR = re.compile(r"([A-Z]{3})_([A-Z]{3})")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")


def name_words(name: str) -> str:
    """The name of a term as it stands in a formula; symbols, days and entries stay as they are."""
    if pair := _PAIR.fullmatch(name):
        return f"{pair[1]}/{pair[2]}"
    return NAMES.get(name, name.replace("_", " ")) if _IDENTIFIER.fullmatch(name) else name


def formula_words(formula: str) -> str:
    """A formula in words and signs. Raises SyntaxError, ValueError for what is none of ours."""
    node = ast.parse(formula, mode="eval").body
    if isinstance(node, ast.Call) and _function(node) == _ROUNDED:
        return f"{_words(node.args[0])[0]}, rounded to the minor unit"
    return _words(node)[0]


def _words(node: ast.expr) -> tuple[str, int]:
    """The words of an expression, and how closely what is outermost in it binds."""
    match node:
        case ast.Name(id=name):
            return name_words(name), BINDS_MOST
        case ast.Constant(value=int() | float() as value):
            return f"{value:,}", BINDS_MOST
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"−{_within(operand, 2)}", 1
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=2)):
            return f"{_within(left, BINDS_MOST)}²", BINDS_MOST
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"{_within(left, BINDS_MOST)} to the power of {_within(right, BINDS_MOST)}", 3
        case ast.BinOp(left=left, op=op, right=right) if type(op) in SIGNS:
            sign, binding = SIGNS[type(op)]
            after = binding + 1 if isinstance(op, ast.Sub | ast.Div) else binding
            return f"{_within(left, binding)} {sign} {_within(right, after)}", binding
        case ast.Call(args=[argument]) if _function(node) == _ROUNDED:
            return f"{_within(argument, BINDS_MOST)} rounded to the minor unit", 3
        case ast.Call(args=[argument]) if _function(node) in PREFIXES:
            return f"{PREFIXES[_function(node)]} {_within(argument, BINDS_MOST)}", 3
        case ast.Call(args=[one, other]) if _function(node) in PAIRS:
            return PAIRS[_function(node)].format(_within(one, BINDS_MOST), _within(other, BINDS_MOST)), 3
    raise ValueError(f"{ast.unparse(node)} is in no formula")


def _within(node: ast.expr, least: int) -> str:
    """The words of a part, in brackets where it binds less closely than what stands around it."""
    words, binding = _words(node)
    return words if binding >= least else f"({words})"


def _function(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""
