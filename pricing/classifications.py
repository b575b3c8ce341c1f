"""How a security is classified (sector, region, asset class) and what identifies it (ISIN, FIGI), as figures of series.

Packs hold figures and no words, so each is a series of the security, `sector:AAPL`, whose figure is a code. An ISIN, a FIGI and a
country are written in base 36, whose digits are theirs: int("US0378331005", 36). What is said anew is a further observation,
known from its own day. Pure.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

from config.errors import TieoutError


class Kind(StrEnum):
    SECTOR = "sector"
    REGION = "region"
    ASSET_CLASS = "asset_class"
    ISIN = "isin"
    FIGI = "figi"


SECTORS: Mapping[int, str] = {
    10: "Energy",
    15: "Materials",
    20: "Industrials",
    25: "Consumer Discretionary",
    30: "Consumer Staples",
    35: "Health Care",
    40: "Financials",
    45: "Information Technology",
    50: "Communication Services",
    55: "Utilities",
    60: "Real Estate",
}
ASSET_CLASSES: Mapping[int, str] = {
    1: "equity",
    2: "bond",
    3: "fund",
    4: "commodity",
    5: "real estate",
    6: "cash equivalent",
    7: "crypto-asset",
    8: "derivative",
}
WORDS: Mapping[Kind, Mapping[int, str]] = {Kind.SECTOR: SECTORS, Kind.ASSET_CLASS: ASSET_CLASSES}
UNITS: Mapping[Kind, str] = {kind: "code" if kind in WORDS else "base 36" for kind in Kind}
TITLES: Mapping[Kind, str] = {
    Kind.SECTOR: "Sector",
    Kind.REGION: "Country of its company",
    Kind.ASSET_CLASS: "Asset class",
    Kind.ISIN: "ISIN",
    Kind.FIGI: "FIGI",
}
LONGEST_ID = 32
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class NoClassification(TieoutError):
    """A word that classifies nothing, with what would."""

    def __init__(self, kind: Kind, text: str, expected: str) -> None:
        super().__init__(f"{text!r} is no {kind.replace('_', ' ')}: expected {expected}")
        self.kind, self.text = kind, text


def series_id(kind: Kind, symbol: str) -> str:
    """`sector:AAPL`. Raises NoClassification where that is longer than the name of a series can be."""
    name = f"{kind}:{symbol}"
    if len(name) > LONGEST_ID:
        raise NoClassification(kind, symbol, f"a symbol of at most {LONGEST_ID - len(kind) - 1} characters")
    return name


def encode(kind: Kind, text: str) -> Decimal:
    """The figure of a word, a country (ISO 3166-1, two letters), an ISIN or a FIGI. Raises NoClassification."""
    if kind in WORDS:
        for code, word in WORDS[kind].items():
            if word.casefold() == text.strip().casefold():
                return Decimal(code)
        raise NoClassification(kind, text, f"one of {', '.join(WORDS[kind].values())}")
    letters = text.strip().upper()
    if not (letters.isascii() and letters.isalnum() and _is_well_formed(kind, letters)):
        expected = {
            Kind.REGION: "a country by its two letters (ISO 3166-1)",
            Kind.ISIN: "two letters, nine letters or digits, and the check digit (ISO 6166)",
            Kind.FIGI: "two letters, G, eight letters or digits, and the check digit",
        }[kind]
        raise NoClassification(kind, text, expected)
    return Decimal(int(letters, 36))


def decode(kind: Kind, figure: Decimal) -> str | None:
    """What a figure says; None for one that says nothing."""
    if figure != figure.to_integral_value() or figure < 0:
        return None
    number = int(figure)
    if kind in WORDS:
        return WORDS[kind].get(number)
    code = ""
    while number:
        number, digit = divmod(number, 36)
        code = DIGITS[digit] + code
    return code if _is_well_formed(kind, code) else None


def _is_well_formed(kind: Kind, code: str) -> bool:
    if kind == Kind.REGION:
        return len(code) == 2 and code.isalpha()
    if len(code) != 12 or not code[:2].isalpha() or not code[-1].isdigit():
        return False
    if kind == Kind.FIGI:
        return code[2] == "G" and _figi_check(code[:-1]) == int(code[-1])
    return _luhn("".join(str(DIGITS.index(each)) for each in code))


def _luhn(digits: str) -> bool:
    """The check of an ISIN: its letters written as numbers, every second digit from the right doubled."""
    doubled = (int(each) * (1 + place % 2) for place, each in enumerate(reversed(digits)))
    return sum(sum(divmod(each, 10)) for each in doubled) % 10 == 0


def _figi_check(body: str) -> int:
    """The check digit of a FIGI's first eleven: every second value doubled, the digits summed, up to the next ten."""
    values = (DIGITS.index(each) * (1 + place % 2) for place, each in enumerate(body))
    return -sum(sum(divmod(each, 10)) for each in values) % 10
