"""Industries of companies, as EDGAR lists them, and the sector that each stands for."""

import pytest

from pricing.classifications import SECTORS
from pricing.providers import industries


@pytest.mark.parametrize(
    ("sic", "sector"),
    [
        ("3571", "Information Technology"),  # electronic computers: Apple
        ("7372", "Information Technology"),  # prepackaged software: Microsoft
        ("2834", "Health Care"),  # pharmaceutical preparations: Pfizer
        ("2911", "Energy"),  # petroleum refining: Exxon Mobil
        ("6021", "Financials"),  # national commercial banks: JPMorgan Chase
        ("6798", "Real Estate"),  # real estate investment trusts
        ("4911", "Utilities"),  # electric services
        ("4813", "Communication Services"),  # telephone communications
        ("3711", "Consumer Discretionary"),  # motor vehicles
        ("2086", "Consumer Staples"),  # soft drinks
        ("3721", "Industrials"),  # aircraft
        ("2821", "Materials"),  # plastic materials
        ("7011", None),  # hotels: "Other"
        ("0000", None),
        ("9999", None),
    ],
)
def test_an_industry_stands_for_a_sector_or_for_none(sic, sector):
    assert industries.sector_of(sic) == sector


def test_every_sector_is_one_of_ours_and_no_code_but_real_estate_is_in_two():
    ranges = [each for sector, ranges in industries.RANGES.items() for each in ranges if sector != "Real Estate"]
    codes = [code for low, high in ranges for code in range(low, high + 1)]

    assert set(industries.RANGES) == set(SECTORS.values())
    assert len(codes) == len(set(codes))
