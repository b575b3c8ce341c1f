"""Names of the world as names that Beancount can write: symbols as commodities, accounts in any script as account components.

`commodity` and `symbol` are each other's inverse. A symbol that is a commodity as it stands is itself; any other is `S'`, then
its signs, those that no commodity may hold as `'`, the count of their hexadecimal digits, and these: `7203.T` is `S'7203.T`,
`^GSPC` is `S''25EGSPC`. An account's component can't be read back, so a ledger says which name it stands for (docs/imports.md).
"""

import re
import unicodedata
from collections.abc import Container
from typing import Final

ESCAPED: Final = "S'"
"""How a commodity begins that stands for a symbol which Beancount can't write."""
NAME: Final = "account"
"""`custom "tieout" "account" Assets:Account-日本 "日本"`: the name that an account stands for."""

_COMMODITY = re.compile(r"[A-Z](?:[A-Z0-9'._-]*[A-Z0-9])?")
_WORDS = frozenset({"TRUE", "FALSE", "NULL"})  # tokens of Beancount's own
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
_ENDS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_SIGN = re.compile(r"'([1-6])")


def commodity(symbol: str) -> str:
    """What stands in a ledger for a symbol, which is not empty."""
    if _COMMODITY.fullmatch(symbol) and symbol not in _WORDS and not symbol.startswith(ESCAPED):
        return symbol
    last = len(symbol) - 1
    return ESCAPED + "".join(
        sign if sign in (_PLAIN if at < last else _ENDS) else _sign(sign) for at, sign in enumerate(symbol)
    )


def symbol(commodity_name: str) -> str:
    """The symbol that a commodity of a ledger stands for; itself where it is no escaped form."""
    if not commodity_name.startswith(ESCAPED):
        return commodity_name
    rest, signs = commodity_name[len(ESCAPED) :], list[str]()
    while rest:
        match = _SIGN.match(rest)
        if match is None:
            signs.append(rest[0])
            rest = rest[1:]
            continue
        digits = int(match[1])
        number, rest = rest[2 : 2 + digits], rest[2 + digits :]
        if len(number) < digits or not re.fullmatch("[0-9A-F]+", number) or int(number, 16) > 0x10FFFF:
            return commodity_name
        signs.append(chr(int(number, 16)))
    text = "".join(signs)
    return text if text and commodity(text) == commodity_name else commodity_name  # nobody's but a hand's


def _sign(sign: str) -> str:
    digits = f"{ord(sign):X}"
    return f"'{len(digits)}{digits}"


def leaf(symbol_name: str) -> str:
    """The last component of the account of a symbol. Several symbols may have the same: see `distinct`."""
    return component(symbol_name.upper(), "Security")


def component(name: str, otherwise: str = "Account") -> str:
    """A name as a component of an account: a capital or digit, then letters, digits and `-`, in any script."""
    text = unicodedata.normalize("NFC", name)
    signs = "".join(sign if unicodedata.category(sign)[0] == "L" or _is_digit(sign) else "-" for sign in text)
    signs = re.sub("-+", "-", signs).strip("-")
    if not signs:
        return otherwise
    first = signs[0].upper()
    if all(unicodedata.category(sign) == "Lu" for sign in first) or _is_digit(first):
        return first + signs[1:]
    return f"{otherwise}-{signs}"  # a script without capitals


def distinct(preferred: str, others: Container[str]) -> str:
    """`preferred`, or with the first number that makes it one of its own."""
    name, number = preferred, 1
    while name in others:
        number += 1
        name = f"{preferred}-{number}"
    return name


def _is_digit(sign: str) -> bool:
    return unicodedata.category(sign) == "Nd"
