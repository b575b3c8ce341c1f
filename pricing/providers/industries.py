"""Which sector a company's SIC code stands for: EDGAR names its industry alone.

The ranges are those of the twelve industry portfolios of Kenneth R. French's data library (Siccodes12), each called by the
sector nearest to it; his "Other" (mines, construction, transport, hotels, entertainment) is near to none. Real estate, which he
counts with finance, is what the SIC calls so: its major group 65, and its industry 6798, real estate investment trusts.
"""

from collections.abc import Mapping

Range = tuple[int, int]

REAL_ESTATE: tuple[Range, ...] = ((6500, 6599), (6798, 6798))
_NONDURABLES: tuple[Range, ...] = (
    (100, 999), (2000, 2399), (2700, 2749), (2770, 2799), (3100, 3199), (3940, 3989),
)  # fmt: skip
_DURABLES: tuple[Range, ...] = (
    (2500, 2519), (2590, 2599), (3630, 3659), (3710, 3711), (3714, 3714), (3716, 3716), (3750, 3751), (3792, 3792), (3900, 3939),
    (3990, 3999),
)  # fmt: skip
_SHOPS: tuple[Range, ...] = ((5000, 5999), (7200, 7299), (7600, 7699))
_MANUFACTURING: tuple[Range, ...] = (
    (2520, 2589), (2600, 2699), (2750, 2769), (3000, 3099), (3200, 3569), (3580, 3629), (3700, 3709), (3712, 3713), (3715, 3715),
    (3717, 3749), (3752, 3791), (3793, 3799), (3830, 3839), (3860, 3899),
)  # fmt: skip
_BUSINESS_EQUIPMENT: tuple[Range, ...] = ((3570, 3579), (3660, 3692), (3694, 3699), (3810, 3829), (7370, 7379))
_HEALTH: tuple[Range, ...] = ((2830, 2839), (3693, 3693), (3840, 3859), (8000, 8099))

RANGES: Mapping[str, tuple[Range, ...]] = {
    "Real Estate": REAL_ESTATE,
    "Consumer Staples": _NONDURABLES,
    "Consumer Discretionary": _DURABLES + _SHOPS,
    "Industrials": _MANUFACTURING,
    "Energy": ((1200, 1399), (2900, 2999)),
    "Materials": ((2800, 2829), (2840, 2899)),
    "Information Technology": _BUSINESS_EQUIPMENT,
    "Communication Services": ((4800, 4899),),
    "Utilities": ((4900, 4949),),
    "Health Care": _HEALTH,
    "Financials": ((6000, 6999),),
}
"""The first sector that has a code in its ranges is meant."""


def sector_of(sic: str) -> str | None:
    """The sector of a SIC code of four digits; None for an industry that is near to no sector."""
    code = int(sic)
    return next((sector for sector, ranges in RANGES.items() if any(low <= code <= high for low, high in ranges)), None)
