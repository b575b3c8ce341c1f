"""Currencies, the units that prices are quoted in, and crosses from published legs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal

from config.errors import TieoutError

UNROUNDED = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""Crosses and inverses keep 34 digits; money is quantised at output, nowhere else."""

MINOR_UNITS = {
    "GBp": ("GBP", Decimal("0.01")),
    "GBX": ("GBP", Decimal("0.01")),
    "ILA": ("ILS", Decimal("0.01")),
    "ZAc": ("ZAR", Decimal("0.01")),
}
"""Quote unit -> (trading currency, factor). By table: `GBp` is pence and `GBP` is pounds, so case is never touched."""

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL "
    "HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD "
    "MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG "
    "QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD "
    "TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW "
)
_FORMER = "BGN CYP EEK HRK LTL LVL MTL ROL SIT SKK TRL"  # of which the ECB still publishes the history
CURRENCIES = frozenset((_CODES + _FORMER)[at : at + 3] for at in range(0, len(_CODES + _FORMER), 4))
"""ISO 4217, in force and former."""


FIXING_OF_SOURCE = {"ecb": "ECB", "ecb-eurofxref": "ECB"}
"""Sources that publish one fixing and no other. Under a policy of another name their rates would pass for what they are not."""


class MissingRate(TieoutError):
    """No published legs join the two currencies on that date. Never 1.0, never an older rate passed off as today's."""

    def __init__(self, frm: str, to: str, asof_date: date, last_known_date: date | None = None) -> None:
        note = f"last known {last_known_date}" if last_known_date else "none known before"
        super().__init__(f"no rate {frm}/{to} on {asof_date} ({note})")
        self.frm, self.to, self.asof_date, self.last_known_date = frm, to, asof_date, last_known_date


@dataclass(frozen=True, slots=True)
class Leg:
    """A rate as published: one of `base` is `rate` of `quote`. `fix_at` is the instant of the fixing, None where nobody read it."""

    base: str
    quote: str
    rate: Decimal
    observed_date: date
    source: str
    flags: str = ""
    fix_at: datetime | None = None


def trading_currency(unit: str) -> str:
    """The currency that a price in `unit` is settled in: GBp -> GBP, USD -> USD."""
    return MINOR_UNITS[unit][0] if unit in MINOR_UNITS else unit


def in_trading_currency(price: Decimal, unit: str) -> Decimal:
    """A published price in its trading currency, exactly: 1234.5 GBp -> 12.345 GBP."""
    return price.scaleb(-2, UNROUNDED) if unit in MINOR_UNITS else price


def legs_between(
    legs: Mapping[tuple[str, str], Leg], *, pivot: str, frm: str, to: str, asof_date: date
) -> tuple[Leg, ...]:
    """The published legs, at most two, that a cross is made of. Raises MissingRate, naming the pair asked for."""
    cross_legs: list[Leg] = []
    for currency in (frm, to) if frm != to else ():
        if currency != pivot:
            leg = legs.get((pivot, currency)) or legs.get((currency, pivot))
            if leg is None:
                raise MissingRate(frm, to, asof_date)
            cross_legs.append(leg)
    return tuple(cross_legs)


def cross(legs: Mapping[tuple[str, str], Leg], *, pivot: str, frm: str, to: str, asof_date: date) -> Decimal:
    """Units of `to` for one `frm`: products of published legs, one division, 34 digits. Raises MissingRate."""
    above, below = Decimal(1), Decimal(1)
    for leg in legs_between(legs, pivot=pivot, frm=frm, to=to, asof_date=asof_date):
        # A leg multiplies when it is crossed from its base to its quote: pivot -> `to`, or `frm` -> pivot.
        if leg.quote == to or leg.base == frm:
            above = UNROUNDED.multiply(above, leg.rate)
        else:
            below = UNROUNDED.multiply(below, leg.rate)
    return above if below == 1 else UNROUNDED.divide(above, below)
